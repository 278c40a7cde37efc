package porttest

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"fhirbridge/pipeline"
)

var writeTests = map[string]func(*ledgerTest){
	"one of a queue at a time, in order":               writesInOrder,
	"of one sender at a time, whatever they answer":    writesWhose,
	"a write is handed out once, until its lease ends": writesLease,
	"a write that waits for its retry holds its queue": writesRetry,
	"one that is given up frees its queue and is kept": writesGiveUp,
	"what is done is done for ever":                    writesOnce,
	"each sink has queues of its own":                  writesSinks,
	"more writes are inserted with the end of one":     writesMore,
	"everything of a write comes back":                 writesWhole,
	"settling what is not pending changes nothing":     writesUnknown,
	"limit": writesLimit,
	"Wake tells that the next of a queue may be tried":                  writesWake,
	"each sink is woken by its own writes":                              writesWakeSink,
	"the next of a queue waits for the one that failed":                 writesBehind,
	"what is said of a write is planned once, when done":                writesSay,
	"what comes of a write takes the place of what is about to be said": writesSayInstead,
	"a write that waits says nothing":                                   writesSayNothing,
	"what is said of a write that is given up is planned with that":     writesSayGivenUp,
	"what a patient decides by a write counts once done":                writesDecide,
	"what a plan owes is owed once":                                     writesPlanned,
	"a plan that fails owes nothing":                                    writesNotPlanned,
	"one that waits for an outcome is done once, with the newest":       writesFinal,
	"that a write was begun is kept until its outcome is clear":         writesBegin,
}

// owe adds writes by way of a reply.
func (t *ledgerTest) owe(id string, list ...pipeline.Write) {
	t.Helper()
	t.hear(reply(id, ""), pipeline.Heard{Writes: list})
}

func (t *ledgerTest) keys(sink pipeline.Sink, now time.Time, limit int) []string {
	t.Helper()
	list, err := t.l.Writes(t.Context(), sink, now, limit)
	if err != nil {
		t.Fatalf("Writes: %v", err)
	}
	keys := []string{}
	for _, w := range list {
		keys = append(keys, w.Key)
	}
	return keys
}

// soon is when everything that was just added may be tried.
func (t *ledgerTest) soon() time.Time { return time.Now().Add(time.Second) }

func (t *ledgerTest) wantKeys(now time.Time, want ...string) {
	t.Helper()
	if got := t.keys(pipeline.SinkServer, now, 10); !slices.Equal(got, want) {
		t.Errorf("writes: got %v, want %v", got, want)
	}
}

func (t *ledgerTest) settleWrite(key string, r pipeline.WriteResult, more ...pipeline.Write) {
	t.Helper()
	r.At = t.now
	if err := t.l.SettleWrite(t.Context(), key, r, more...); err != nil {
		t.Fatalf("SettleWrite: %v", err)
	}
}

var done = pipeline.WriteResult{Done: true, Ref: "Communication/1"}

func writesInOrder(t *ledgerTest) {
	t.owe("r1", write("a1", "A"), write("a2", "A"), write("b1", "B"))
	t.owe("r2", write("a3", "A"))
	t.wantKeys(t.soon(), "a1", "b1")
	t.settleWrite("a1", done)
	t.wantKeys(t.soon(), "a2")
	t.settleWrite("a2", done)
	t.settleWrite("b1", done)
	t.wantKeys(t.soon(), "a3")
	t.settleWrite("a3", done)
	t.wantKeys(t.soon())
}

func writesWhose(t *ledgerTest) {
	var list []pipeline.Write
	for i, whose := range []string{phone, phone, "+15550100199", ""} {
		w := write(fmt.Sprint("w", i), fmt.Sprint("message:", i))
		w.Whose = pipeline.NewPrivate(whose)
		list = append(list, w)
	}
	t.owe("r1", list...)
	now := t.soon()
	t.wantKeys(now, "w0", "w2", "w3")
	t.settleWrite("w0", done)
	t.wantKeys(now, "w1")
}

func writesLease(t *ledgerTest) {
	t.owe("r1", write("a1", "A"), write("a2", "A"))
	now := t.soon()
	t.wantKeys(now, "a1")
	t.wantKeys(now.Add(pipeline.LeaseTime - time.Second))
	t.wantKeys(now.Add(pipeline.LeaseTime+time.Second), "a1")
}

func writesRetry(t *ledgerTest) {
	t.owe("r1", write("a1", "A"), write("a2", "A"))
	now := t.soon()
	t.wantKeys(now, "a1")
	t.settleWrite("a1", pipeline.WriteResult{Retry: now.Add(time.Hour), Reason: pipeline.ReasonTransient})
	t.wantKeys(now.Add(time.Minute))
	list, err := t.l.Writes(t.Context(), pipeline.SinkServer, now.Add(time.Hour), 10)
	if err != nil || len(list) != 1 || list[0].Key != "a1" || list[0].Tries != 1 {
		t.Errorf("at its time: got %d, %v; want a1, tried once", len(list), err)
	}
}

func writesGiveUp(t *ledgerTest) {
	t.owe("r1", write("a1", "A"), write("a2", "A"))
	t.wantKeys(t.soon(), "a1")
	t.settleWrite("a1", pipeline.WriteResult{GiveUp: true, Reason: pipeline.ReasonRefused})
	t.wantKeys(t.soon(), "a2")
	census, err := t.l.Census(t.Context())
	if err != nil || census.GivenUp != 1 || census.Writes[pipeline.SinkServer] != 1 {
		t.Errorf("census: got %d given up, %d pending, %v; want 1 and 1", census.GivenUp, census.Writes[pipeline.SinkServer], err)
	}
	t.owe("r2", write("a1", "A"))
	t.settleWrite("a2", done)
	t.wantKeys(t.soon())
}

func writesOnce(t *ledgerTest) {
	t.owe("r1", write("a1", "A"), write("a1", "A"))
	t.wantKeys(t.soon(), "a1")
	if ref, err := t.l.Written(t.Context(), "a1"); ref != "" || err != nil {
		t.Errorf("Written before: got %q, %v; want none", ref, err)
	}
	t.settleWrite("a1", done)
	if ref, err := t.l.Written(t.Context(), "a1"); ref != done.Ref || err != nil {
		t.Errorf("Written: got %q, %v; want %q", ref, err, done.Ref)
	}
	t.owe("r2", write("a1", "A"))
	t.wantKeys(t.soon())
}

func writesSinks(t *ledgerTest) {
	topic := write("a1@topic", "A")
	topic.Sink = pipeline.SinkTopic
	t.owe("r1", write("a1", "A"), topic)
	t.wantKeys(t.soon(), "a1")
	if got := t.keys(pipeline.SinkTopic, t.soon(), 10); !slices.Equal(got, []string{"a1@topic"}) {
		t.Errorf("topic: got %v, want a1@topic", got)
	}
}

func writesMore(t *ledgerTest) {
	t.owe("r1", write("a1", "A"), write("a2", "A"))
	t.wantKeys(t.soon(), "a1")
	t.settleWrite("a1", done, write("a3", "A"), write("b1", "B"))
	t.wantKeys(t.soon(), "a2", "b1")
}

func writesWhole(t *ledgerTest) {
	want := pipeline.Write{
		Key: "decision:r1@server", Kind: pipeline.WriteDecision, Sink: pipeline.SinkServer, Order: "Patient/1", Type: "Appointment",
		Body: pipeline.NewPrivate("body"), IfNoneExist: "identifier=a|b", Answers: "sent:1@server", Thread: "thread:1@server", Of: "attempt",
		Sender: pipeline.NewPrivate(phone),
		Decision: &pipeline.Decision{
			Appointment: "Appointment/1", Patient: "Patient/1", Status: "accepted", Start: t.now, Was: "needs-action", Reply: "r1", At: t.now,
			Done: []pipeline.Notification{{Key: "told", Address: pipeline.NewPrivate(phone), Facts: pipeline.NewPrivate("facts"), Due: t.now}},
		},
		File: &pipeline.SentFile{
			Media: pipeline.InboundMedia{ID: "1", ContentType: "image/jpeg", SHA256: "00", Filename: pipeline.NewPrivate("a name")},
			Kind:  "image", Reply: "r1", Patient: "Patient/1", Author: "RelatedPerson/a", Shared: true, Caption: pipeline.NewPrivate("words"), At: t.now, Received: t.now,
		},
	}
	t.owe("r1", want)
	list := t.pending()
	if len(list) != 1 {
		t.Fatalf("writes: got %d, want 1", len(list))
	}
	got := list[0]
	if !got.Body.Equal(want.Body) || !got.Sender.Equal(want.Sender) || got.Created.IsZero() || got.Decision == nil {
		t.Fatal("body, sender, decision or time of creation did not come back")
	}
	if !reflect.DeepEqual(got.Decision, want.Decision) {
		t.Error("another decision came back")
	}
	if !reflect.DeepEqual(got.File, want.File) {
		t.Error("another file came back")
	}
	got.Body, got.Sender, got.Decision, got.File, got.Created = want.Body, want.Sender, want.Decision, want.File, want.Created
	wantEqual(t, "write", got, want)
}

func writesUnknown(t *ledgerTest) {
	t.settleWrite("never seen", done)
	t.owe("r1", write("a1", "A"))
	t.wantKeys(t.soon(), "a1")
	t.settleWrite("a1", done)
	t.settleWrite("a1", pipeline.WriteResult{Retry: t.now})
	t.wantKeys(t.soon().Add(2 * pipeline.LeaseTime))
	if ref, err := t.l.Written(t.Context(), "a1"); ref != done.Ref || err != nil {
		t.Errorf("Written: got %q, %v; want %q", ref, err, done.Ref)
	}
}

func writesLimit(t *ledgerTest) {
	t.owe("r1", write("a1", "A"), write("b1", "B"), write("c1", "C"))
	now := t.soon()
	if got := t.keys(pipeline.SinkServer, now, 2); !slices.Equal(got, []string{"a1", "b1"}) {
		t.Errorf("first two: got %v, want a1 and b1", got)
	}
	t.wantKeys(now, "c1")
}

func writesWake(t *ledgerTest) {
	wake := t.l.WakeWrites(pipeline.SinkServer)
	t.owe("r1", write("a1", "A"), write("a2", "A"))
	t.wantKeys(t.soon(), "a1")
	for len(wake) > 0 {
		<-wake
	}
	t.settleWrite("a1", done)
	wantEqual(t, "signals", len(wake), 1)
}

func writesWakeSink(t *ledgerTest) {
	server, topic := t.l.WakeWrites(pipeline.SinkServer), t.l.WakeWrites(pipeline.SinkTopic)
	wantSignals := func(what string, toServer, toTopic int) {
		t.Helper()
		if len(server) != toServer || len(topic) != toTopic {
			t.Errorf("%s: got %d signals for the server and %d for the topic, want %d and %d", what, len(server), len(topic), toServer, toTopic)
		}
		for len(server)+len(topic) > 0 {
			select {
			case <-server:
			case <-topic:
			}
		}
	}
	first, second := write("a1@topic", "A"), write("a2@topic", "A")
	first.Sink, second.Sink = pipeline.SinkTopic, pipeline.SinkTopic
	t.owe("r1", first, second)
	wantSignals("writes to the topic", 0, 1)
	t.keys(pipeline.SinkTopic, t.soon(), 10)
	t.settleWrite(first.Key, done, write("b1", "B"))
	wantSignals("the next of the topic, and one to the server", 1, 1)
	t.keys(pipeline.SinkTopic, t.soon(), 10)
	t.settleWrite(second.Key, done)
	wantSignals("the last", 0, 0)
	both := write("c1@topic", "C")
	both.Sink = pipeline.SinkTopic
	t.owe("r2", write("c1", "C"), both)
	wantSignals("writes to both", 1, 1)
}

func writesBehind(t *ledgerTest) {
	t.owe("r1", write("a1", "A"))
	now := t.soon()
	t.wantKeys(now, "a1")
	t.settleWrite("a1", pipeline.WriteResult{Retry: now.Add(time.Hour)})
	t.owe("r2", write("a2", "A"))
	t.wantKeys(now.Add(time.Minute))
	t.wantKeys(now.Add(2*time.Hour), "a1")
}
