package pipeline_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// told is a message to Patient/p1 with what has become of it.
func told(subject string, f pipeline.Fate) pipeline.SentMessage {
	return pipeline.SentMessage{
		Notification: pipeline.Notification{Key: "n1", Patient: "Patient/p1", Recipient: "Patient/p1", Subject: subject},
		Attempt: pipeline.Attempt{
			ID: "attempt1", MessageID: "wamid.1", Seen: pipeline.NewPrivate("Please come."), Begun: at("2026-03-01T12:00:00Z"), SubjectVersion: "3",
		},
		Fate: f,
	}
}

func TestFilingFollowsAMessage(t *testing.T) {
	delivered, read := at("2026-03-01T12:00:05Z"), at("2026-03-01T13:00:00Z")
	for _, c := range []struct {
		name  string
		fate  pipeline.Fate
		kinds string // one write to each sink
		want  string // status, reason, received, note
	}{
		{"taken", pipeline.Fate{}, "create create", "in-progress   "},
		{"sent", pipeline.Fate{Filed: true, State: pipeline.Sent}, "", ""},
		{"delivered", pipeline.Fate{Filed: true, State: pipeline.Delivered, Delivered: delivered}, "follow follow", "completed  2026-03-01T12:00:05Z "},
		{"delivered before the answer came", pipeline.Fate{State: pipeline.Delivered, Delivered: delivered}, "create create", "completed  2026-03-01T12:00:05Z "},
		{"read", pipeline.Fate{Filed: true, State: pipeline.Read, Delivered: delivered, Read: read}, "follow follow", "completed  2026-03-01T12:00:05Z Read 2026-03-01T13:00:00Z"},
		{"not on WhatsApp", pipeline.Fate{Filed: true, State: pipeline.Failed, Code: "131026"}, "follow follow", "not-done recipient-unavailable  "},
		{"wants no such messages", pipeline.Fate{Filed: true, State: pipeline.Failed, Code: "131050"}, "follow follow", "not-done patient-objection  "},
		{"refused", pipeline.Fate{State: pipeline.Failed, Code: "132012"}, "create create", "not-done system-error  "},
		{"no number", pipeline.Fate{State: pipeline.Skipped, Reason: pipeline.ReasonNoNumber}, "create create", "not-done invalid-phone-number  "},
		{"answered meanwhile", pipeline.Fate{State: pipeline.Skipped, Reason: pipeline.ReasonAnswered}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			writes := filing.Sent(told("Appointment/a1", c.fate))
			var kinds []string
			for _, w := range writes {
				kinds = append(kinds, string(w.Kind))
			}
			same(t, "writes", strings.Join(kinds, " "), c.kinds)
			if len(writes) == 0 {
				return
			}
			w := writes[0]
			var r struct {
				Status, Received string
				StatusReason     struct{ Coding []struct{ Code string } }
				Note             []struct{ Text, Time string }
			}
			if err := json.Unmarshal([]byte(w.Body.Reveal()), &r); err != nil {
				t.Fatal(err)
			}
			why, note := "", ""
			for _, c := range r.StatusReason.Coding {
				why += c.Code
			}
			for _, n := range r.Note {
				note += n.Text + " " + n.Time
			}
			same(t, "record", strings.Join([]string{r.Status, why, r.Received, note}, " "), c.want)
			same(t, "findings", explain([]byte(w.Body.Reveal())), []string(nil))
			create := filing.Sent(told("Appointment/a1", pipeline.Fate{}))[0]
			same(t, "queue", w.Order, create.Order)
			if w.Kind == pipeline.WriteFollow {
				same(t, "what it follows", w.Answers, create.Key)
			}
		})
	}
}

func TestFilingTellsWhoAsked(t *testing.T) {
	for _, c := range []struct {
		subject string
		fate    pipeline.Fate
		want    string
	}{
		{"CommunicationRequest/q1", pipeline.Fate{}, ""},
		{"CommunicationRequest/q1", pipeline.Fate{Filed: true, State: pipeline.Sent}, `{"Ref":"CommunicationRequest/q1","Version":"3","Reason":""}`},
		{"CommunicationRequest/q1", pipeline.Fate{State: pipeline.Skipped, Reason: "no_number"}, `{"Ref":"CommunicationRequest/q1","Version":"3","Reason":"no_number"}`},
		{"CommunicationRequest/q1", pipeline.Fate{Filed: true, State: pipeline.Failed, Code: "131026"}, `{"Ref":"CommunicationRequest/q1","Version":"3","Reason":"recipient-unavailable"}`},
		{"CommunicationRequest/q1", pipeline.Fate{State: pipeline.Held, Reason: "no_answer"}, `{"Ref":"CommunicationRequest/q1","Version":"3","Reason":"no_answer"}`},
		{"Appointment/a1", pipeline.Fate{State: pipeline.Held, Reason: "no_answer"}, ""},
		{"CommunicationRequest/" + pipeline.BroadcastID("closed", "Patient/p1"), pipeline.Fate{Filed: true, State: pipeline.Sent}, ""},
		{"Appointment/a1", pipeline.Fate{Filed: true, State: pipeline.Sent}, ""},
	} {
		got := ""
		for _, w := range filing.Sent(told(c.subject, c.fate)) {
			if w.Kind == pipeline.WriteRequest {
				same(t, "queue", w.Order, c.subject)
				got += w.Body.Reveal()
			}
		}
		same(t, fmt.Sprint(c.subject, " ", c.fate.State), got, c.want)
	}
	of := func(subject string) []fhir.Reference {
		var r struct{ BasedOn, About []fhir.Reference }
		body := filing.Sent(told(subject, pipeline.Fate{}))[0].Body.Reveal()
		same(t, "is about nothing else", strings.Contains(body, `"about"`), false)
		_ = json.Unmarshal([]byte(body), &r)
		return r.BasedOn
	}
	same(t, "based on", len(of("CommunicationRequest/q1")), 1)
	ours := "CommunicationRequest/" + pipeline.BroadcastID("closed", "Patient/p1")
	if body := filing.Sent(told(ours, pipeline.Fate{}))[0].Body.Reveal(); strings.Contains(body, ours) {
		t.Error("the record refers to a request that no server has")
	}
}

// followed is a server with one Communication or request, and an outbox that owes a write about it.
func followed(t *testing.T, w pipeline.Write, reads []string, patches ...error) (calls []string, ends []string) {
	t.Helper()
	return followedWith(t, w, []pipeline.State{pipeline.Delivered}, reads, patches...)
}

// followedWith is followed, where the messages of the request are in these states.
func followedWith(t *testing.T, w pipeline.Write, states []pipeline.State, reads []string, patches ...error) (calls []string, ends []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := newOutbox(w)
		k.refs["sent@server"] = "Communication/c1"
		k.trace = func(string) ([]pipeline.TraceEntry, error) {
			list := []pipeline.TraceEntry{ // what is about something else, and answers to replies, do not count
				{Notification: pipeline.Notification{Subject: "Appointment/a1", State: pipeline.Planned}},
				{Notification: pipeline.Notification{Subject: "CommunicationRequest/q1", State: pipeline.Planned, ReplyTo: "wamid.1"}},
			}
			for _, state := range states {
				list = append(list, pipeline.TraceEntry{Notification: pipeline.Notification{Subject: "CommunicationRequest/q1", State: state}})
			}
			return list, nil
		}
		s := &server{
			read: func(ref string) (pipeline.Versioned, error) {
				now := reads[0]
				if len(reads) > 1 {
					reads = reads[1:]
				}
				calls = append(calls, "read "+ref)
				if strings.Trim(now, "0123456789") == "" {
					return pipeline.Versioned{}, refused(now)
				}
				return pipeline.Versioned{Resource: json.RawMessage(now), Version: "3"}, nil
			},
			patch: func(ref, version string, patch []byte) error {
				calls = append(calls, "patch "+version+" "+string(patch))
				return next(&patches)
			},
		}
		stop := start(writingBack(t, k, s).Run)
		pass(time.Minute)
		stop()
		ends = k.ends()
	})
	return calls, ends
}

func TestWriteBackFollows(t *testing.T) {
	const was = `{"resourceType":"Communication","id":"c1","status":"in-progress"}`
	const completes = `patch 3 [{"op":"test","path":"/status","value":"in-progress"},{"op":"replace","path":"/status","value":"completed"}]`
	w := pipeline.Write{
		Key: "f1", Kind: pipeline.WriteFollow, Order: "Patient/p1", Type: "Communication", Answers: "sent@server",
		Body: pipeline.NewPrivate(`{"resourceType":"Communication","status":"completed"}`),
	}
	never := w
	never.Answers = "given up"
	for _, c := range []struct {
		name    string
		write   pipeline.Write
		reads   []string
		patches []error
		calls   []string
		ends    string
	}{
		{"delivered", w, []string{was}, nil, []string{"read Communication/c1", completes}, "f1 done"},
		{"is so already", w, []string{strings.Replace(was, "in-progress", "completed", 1)}, nil, []string{"read Communication/c1"}, "f1 done"},
		{"never created", never, []string{was}, nil, nil, "f1 given up"},
		{"somebody was quicker", w, []string{was}, []error{refused("412")}, []string{"read Communication/c1", completes, "read Communication/c1", completes}, "f1 done"},
		{"marked as an error by people", w, []string{strings.Replace(was, "in-progress", "entered-in-error", 1)}, nil, []string{"read Communication/c1"}, "f1 done"},
		{"gone", w, []string{"410"}, nil, []string{"read Communication/c1"}, "f1 done"},
		{"refused", w, []string{was}, []error{refused("422")}, []string{"read Communication/c1", completes}, "f1 done"},
		{"passing", w, []string{was}, []error{transient("timeout")}, []string{"read Communication/c1", completes, "read Communication/c1", completes}, "f1 retry f1 done"},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls, ends := followed(t, c.write, c.reads, c.patches...)
			same(t, "calls", calls, c.calls)
			same(t, "ends", strings.Join(ends, " "), c.ends)
		})
	}
}

// TestWriteBackRemembersAServerWithoutUpdates: it is asked once an hour, and not for every message.
func TestWriteBackRemembersAServerWithoutUpdates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newOutbox()
		k.refs["sent@server"] = "Communication/c1"
		var patches atomic.Int64
		s := &server{
			read: func(string) (pipeline.Versioned, error) {
				return pipeline.Versioned{Resource: json.RawMessage(`{"resourceType":"Communication","id":"c1","status":"in-progress"}`), Version: "3"}, nil
			},
			patch: func(string, string, []byte) error { patches.Add(1); return refused("405") },
		}
		stop := start(writingBack(t, k, s).Run)
		for i := range 50 {
			k.add(pipeline.Write{
				Key: fmt.Sprint("f", i), Kind: pipeline.WriteFollow, Order: "Patient/p1", Type: "Communication", Answers: "sent@server",
				Body: pipeline.NewPrivate(`{"resourceType":"Communication","status":"completed"}`),
			})
			pass(time.Minute)
		}
		same(t, "patches in fifty minutes", patches.Load(), 1)
		k.add(pipeline.Write{
			Key: "later", Kind: pipeline.WriteFollow, Order: "Patient/p1", Type: "Communication", Answers: "sent@server",
			Body: pipeline.NewPrivate(`{"resourceType":"Communication","status":"completed"}`),
		})
		pass(time.Minute)
		same(t, "left", k.left(), 0)
		pass(time.Hour)
		k.add(pipeline.Write{
			Key: "again", Kind: pipeline.WriteFollow, Order: "Patient/p1", Type: "Communication", Answers: "sent@server",
			Body: pipeline.NewPrivate(`{"resourceType":"Communication","status":"completed"}`),
		})
		pass(time.Minute)
		stop()
		same(t, "patches after an hour", patches.Load(), 2)
	})
}

func TestWriteBackAnswersARequest(t *testing.T) {
	request := func(status, version string) string {
		return fmt.Sprintf(`{"resourceType":"CommunicationRequest","id":"q1","meta":{"versionId":%q,"lastUpdated":"2026-03-01T12:00:00Z"},"status":%q}`, version, status)
	}
	write := func(version string) pipeline.Write {
		return pipeline.Write{
			Key: "w1", Kind: pipeline.WriteRequest, Order: "CommunicationRequest/q1", Type: "CommunicationRequest",
			Body: pipeline.NewPrivate(fmt.Sprintf(`{"Ref":"CommunicationRequest/q1","Version":%q}`, version)),
		}
	}
	completes := `patch 3 [{"op":"test","path":"/status","value":"active"},{"op":"replace","path":"/status","value":"completed"}]`
	for _, c := range []struct {
		name, version string
		read          string
		want          []string
	}{
		{"sent", "3", request("active", "3"), []string{completes}},
		{"known by when it was changed", "2026-03-01T12:00:00Z", request("active", "3"), []string{completes}},
		{"known by its place on the topic", "ehr.fhir/0/7", request("active", "3"), []string{completes}},
		{"changed by people since", "2", request("active", "3"), nil},
		{"revoked by people", "3", request("revoked", "3"), nil},
		{"is so already", "3", request("completed", "3"), nil},
		{"put on hold by people", "2", request("on-hold", "3"), nil},
		{"put on hold by us, and heard of since", "2", strings.Replace(request("on-hold", "3"), "}", `},"statusReason":{"text":"no answer"}`, 1), []string{
			`patch 3 [{"op":"test","path":"/status","value":"on-hold"},{"op":"replace","path":"/status","value":"completed"},{"op":"remove","path":"/statusReason"}]`,
		}},
		{"on no server", "3", "404", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls, ends := followed(t, write(c.version), []string{c.read})
			same(t, "calls", calls, append([]string{"read CommunicationRequest/q1"}, c.want...))
			same(t, "ends", ends, []string{"w1 done"})
		})
	}
}
