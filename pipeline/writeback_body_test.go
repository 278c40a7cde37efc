package pipeline_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

func TestWriteBackLetsNothingFaultyOut(t *testing.T) {
	faulty := func([]byte) []string { return []string{"Communication.status unknown_code"} }
	cases := []struct {
		name     string
		write    pipeline.Write
		sink     pipeline.Sink
		validate func([]byte) []string
		want     string
	}{
		{"to the server", create("w", "p"), pipeline.SinkServer, faulty, "invalid at Communication.status unknown_code"},
		{"to the topic", create("w", "p"), pipeline.SinkTopic, faulty, "invalid at Communication.status unknown_code"},
		{"never built, to the server", pipeline.Write{Key: "w", Kind: pipeline.WriteCreate}, pipeline.SinkServer, nil, "not_built"},
		{"never built, to the topic", pipeline.Write{Key: "w", Kind: pipeline.WriteCreate}, pipeline.SinkTopic, nil, "not_built"},
		{"never built, with somebody to look up", pipeline.Write{Key: "w", Kind: pipeline.WriteCreate, Sender: pipeline.NewPrivate(number)}, pipeline.SinkServer, nil, "not_built"},
		{"not JSON, with an answer to complete", pipeline.Write{Key: "w", Kind: pipeline.WriteCreate, Answers: "other", Body: pipeline.NewPrivate(words)}, pipeline.SinkServer, nil, "not_json"},
		{"a decision without a decision", pipeline.Write{Key: "w", Kind: pipeline.WriteDecision}, pipeline.SinkServer, nil, "no_decision"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.write.Sink = c.sink
				k := newOutbox(c.write)
				b := writingBack(t, k, &server{}) // a call of the server would panic
				log, text := newLog(t)
				b.Log, b.Sink = log, c.sink
				if c.validate != nil {
					b.Validate = c.validate
				}
				b.Publisher = publisher(func(published) error {
					t.Error("it was published")
					return nil
				})
				stop := start(b.Run)
				synctest.Wait()
				stop()
				same(t, "settled", k.ends(), []string{"w given up"})
				if !strings.Contains(text.String(), c.want) || strings.Contains(text.String(), "panic") {
					t.Errorf("log: %s\nwant %q", text, c.want)
				}
			})
		})
	}
}

func TestWriteBackCompletes(t *testing.T) {
	patients := func(refs ...string) func(pipeline.Private) ([]string, error) {
		return func(n pipeline.Private) ([]string, error) {
			if n.Reveal() != number {
				return nil, refused("400")
			}
			return refs, nil
		}
	}
	fails := func(err error) func(pipeline.Private) ([]string, error) {
		return func(pipeline.Private) ([]string, error) { return nil, err }
	}
	const before = `inResponseTo [{"identifier":{"value":"attempt"}}] sender {"identifier":{"value":"somebody"}} subject `
	cases := []struct {
		name    string
		answers string // key of the write that it answers
		sender  bool
		byPhone func(pipeline.Private) ([]string, error)
		want    string
	}{
		{"nothing to complete", "", false, nil, before},
		{"it answers what has been written", "written", false, nil, strings.Replace(before, `[{"identifier":{"value":"attempt"}}]`, `[{"reference":"Communication/77"}]`, 1)},
		{"it answers what has not been written", "lost", false, nil, before},
		{"the sender is one patient", "", true, patients("Patient/p1"), `inResponseTo [{"identifier":{"value":"attempt"}}] sender {"reference":"Patient/p1"} subject {"reference":"Patient/p1"}`},
		{"the sender could be two: not guessed", "", true, patients("Patient/p1", "Patient/p2"), before},
		{"the sender is nobody", "", true, patients(), before},
		{"the server cannot be searched", "", true, fails(refused("501")), before},
		{"the number cannot be searched for", "", true, fails(broken("invalid_number")), before},
		{"the search fails again and again", "", true, fails(transient("http_status")), before},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := pipeline.Write{
					Key: "w", Kind: pipeline.WriteCreate, Type: "Communication", Order: "p", Answers: c.answers, IfNoneExist: "identifier=test|w",
					Body: pipeline.NewPrivate(`{"resourceType":"Communication","inResponseTo":[{"identifier":{"value":"attempt"}}],"sender":{"identifier":{"value":"somebody"}}}`),
				}
				if c.sender {
					w.Sender = pipeline.NewPrivate(number)
				}
				k := newOutbox(w)
				k.refs["written"] = "Communication/77"
				var body []byte
				b := writingBack(t, k, &server{byPhone: c.byPhone, create: func(raw []byte, q string) (string, error) {
					body = raw
					return "Communication/1", nil
				}})
				stop := start(b.Run)
				pass(time.Hour)
				stop()
				same(t, "last settled", k.ends()[len(k.ends())-1], "w done")
				var got map[string]json.RawMessage
				if err := json.Unmarshal(body, &got); err != nil {
					t.Fatal(err)
				}
				same(t, "body", fmt.Sprintf("inResponseTo %s sender %s subject %s", got["inResponseTo"], got["sender"], got["subject"]), c.want)
			})
		})
	}
}

// TestWriteBackAsksAfterAnOutage: whose number it is is asked for when the server is back, however often it was tried before.
func TestWriteBackAsksAfterAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := create("w", "p")
		w.Sender = pipeline.NewPrivate(number)
		k := newOutbox(w)
		var body []byte
		ends := time.Now().Add(30 * time.Minute)
		s := &server{
			byPhone: func(pipeline.Private) ([]string, error) {
				if time.Now().Before(ends) {
					return nil, transient("unreachable")
				}
				return []string{"Patient/p1"}, nil
			},
			create: func(raw []byte, _ string) (string, error) {
				if time.Now().Before(ends) {
					return "", transient("unreachable")
				}
				body = raw
				return "Communication/1", nil
			},
		}
		stop := start(writingBack(t, k, s).Run)
		pass(time.Hour)
		stop()
		if !strings.Contains(string(body), "Patient/p1") {
			t.Errorf("created: %s", body)
		}
	})
}

// TestWriteBackCarriesADecision shows that what a decision leads to is owed with
// it, and that it is tried again as a whole when the server is down.
func TestWriteBackCarriesADecision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		filing := pipeline.Filing{Facility: "Clinic", Sinks: []pipeline.Sink{pipeline.SinkServer}}
		d := pipeline.Decision{Appointment: "Appointment/a1", Patient: "Patient/p1", Status: "accepted", Start: at(visitStart), Reply: "m1", At: recordTime}
		k := newOutbox(filing.Decision(d)...)
		reads := []error{transient("unreachable"), refused("404")}
		created := ""
		s := &server{
			read: func(string) (pipeline.Versioned, error) { return pipeline.Versioned{}, next(&reads) },
			create: func(_ []byte, q string) (string, error) {
				created = q
				return "Task/1", nil
			},
		}
		b := writingBack(t, k, s)
		b.Ladder = &pipeline.Ladder{Server: s, Rungs: []pipeline.Rung{pipeline.RungPatch}, Filing: filing}
		stop := start(b.Run)
		pass(time.Hour)
		stop()
		same(t, "settled", k.ends(), []string{"decision:zig7fsk2ufcmduh7f7z4r6lh7u@server retry", "decision:zig7fsk2ufcmduh7f7z4r6lh7u@server done", "task:zig7fsk2ufcmduh7f7z4r6lh7u@server done"})
		same(t, "created", created, "identifier=urn:fhirbridge:decision|task:zig7fsk2ufcmduh7f7z4r6lh7u")
	})
}
