package sqlledger_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/porttest"
)

// TestCanary writes marked texts through every method that takes some, and looks
// for the marks in every file of the ledger. Ids of messages are as Meta makes them, with the number inside.
func TestCanary(t *testing.T) {
	dir := t.TempDir()
	l := openFile(t, dir)
	ctx, now := t.Context(), time.Now()
	marks := []string{}
	// mark makes a text that is looked for, in the form of a number where it is one.
	mark := func(what string) pipeline.Private {
		text := "canary-" + what + "-sang"
		if what == "number" {
			text = "+15550100123"
		}
		marks = append(marks, text)
		return pipeline.NewPrivate(text)
	}
	wamid := func(before string) string {
		return "wamid." + base64.StdEncoding.EncodeToString([]byte(before+"\x0b15550100123\x15\x02\x00\x12"))
	}
	resource := func(what string) json.RawMessage {
		return json.RawMessage(`{"resourceType":"Patient","id":"1","name":"` + mark(what).Reveal() + `"}`)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	number := mark("number")

	ev := appointment(1)
	ev.Resource, ev.Source.Key = resource("body"), mark("record-key")
	plan, err := wanted(ev, now)(pipeline.Versioned{}, pipeline.Known{})
	must(err)
	plan.Wanted[0].Facts, plan.Wanted[0].Address = mark("facts"), number
	decide := func(pipeline.Versioned, pipeline.Known) (pipeline.Plan, error) { return plan, nil }
	_, err = l.Apply(ctx, ev, decide)
	must(err)
	ev.Version, ev.Resource, plan.Wanted[1].Facts = "2", resource("second-body"), mark("new-facts")
	_, err = l.Apply(ctx, ev, decide)
	must(err)
	must(l.Fetched(ctx, pipeline.Versioned{Resource: resource("fetched")}, now))
	ev.Context = map[string]json.RawMessage{"Patient/1": resource("context")}
	ev.Resource = resource("parked")
	must(l.Park(ctx, ev, pipeline.ReasonNoPatient, now))

	due, _, err := l.Due(ctx, now, 10)
	must(err)
	a := pipeline.Attempt{
		ID: pipeline.NewAttempt(), Notification: due[0].Key, Address: number, Seen: mark("seen"), Shown: mark("shown").Reveal(),
		SubjectVersion: "2", Begun: now, Actions: []string{"confirm"},
	}
	begun, err := l.Begin(ctx, a)
	must(err)
	if !begun {
		t.Fatal("not begun")
	}
	owed := func(what string) pipeline.Write {
		return pipeline.Write{
			Key: "sent:" + what, Sink: pipeline.SinkServer, Order: number.Reveal(), Body: mark(what + "-body"), Sender: number,
			Decision: &pipeline.Decision{Reply: mark(what + "-decision").Reveal()},
			File: &pipeline.SentFile{
				Media: pipeline.InboundMedia{ID: mark(what + "-file").Reveal(), Filename: mark(what + "-name")},
				Reply: wamid("file"), Caption: mark(what + "-caption"),
			},
		}
	}
	must(l.Settle(ctx, pipeline.Settlement{Key: a.Notification, Attempt: a.ID, State: pipeline.Accepted, MessageID: wamid("\x1c\x18"), Writes: []pipeline.Write{owed("settled")}}))
	_, err = l.Receive(ctx, pipeline.Receipt{Attempt: a.ID, MessageID: wamid("\x1c"), State: pipeline.Read, Address: number, UserID: mark("user").Reveal()}, nil)
	must(err)
	stop := true
	_, err = l.Hear(ctx, pipeline.Reply{
		ID: wamid(""), Quotes: wamid("\x1c\x18"), From: number, UserID: mark("other-user").Reveal(), Kind: "text", Text: mark("words"), Payload: mark("payload").Reveal(),
		Media: &pipeline.InboundMedia{ID: mark("media").Reveal(), Filename: mark("filename")}, At: now,
	}, func(pipeline.Thread) (pipeline.Heard, error) {
		say := plan.Wanted[3]
		say.Key, say.Facts, say.Occasion, say.ReplyTo = "say", mark("say"), wamid(""), wamid("")
		return pipeline.Heard{
			Outcome: pipeline.Outcome{Say: []pipeline.Notification{say}, Stop: &stop, Language: "de", Disowns: []string{"Patient/1"}}, Writes: []pipeline.Write{owed("heard")},
		}, nil
	})
	must(err)
	must(l.SettleWrite(ctx, "sent:settled", pipeline.WriteResult{Done: true, Ref: "Communication/1"}, owed("more")))

	search(t, dir, marks, "open")
	must(l.Close())
	search(t, dir, marks, "closed")
}

func search(t *testing.T, dir string, marks []string, when string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "ledger.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f, ".db") && when == "closed" && !bytes.Contains(content, []byte("Appointment/a1")) {
			t.Error("the reference, which is in the clear, is not found: the search finds nothing")
		}
		for _, m := range marks {
			for _, found := range porttest.Found(string(content), strings.TrimPrefix(m, "+")) {
				t.Errorf("%s, %s: holds %q in some form", filepath.Base(f), when, found)
			}
		}
	}
}

// TestMovedValue moves a sealed value to another row, where it must not open.
func TestMovedValue(t *testing.T) {
	dir := t.TempDir()
	l := openFile(t, dir)
	for i := range int64(2) {
		if _, err := l.Apply(t.Context(), appointment(i), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, dir, "UPDATE resource SET body = (SELECT body FROM resource WHERE ref = 'Appointment/a0') WHERE ref = 'Appointment/a1'")
	l = openFile(t, dir)
	if _, _, err := l.Resource(t.Context(), "Appointment/a1"); pipeline.KindOf(err) != pipeline.Malformed {
		t.Errorf("a value of another row: got %v, want it Malformed", err)
	}
	if _, ok, err := l.Resource(t.Context(), "Appointment/a0"); !ok || err != nil {
		t.Errorf("the row beside: got %v, %v; want it", ok, err)
	}
}
