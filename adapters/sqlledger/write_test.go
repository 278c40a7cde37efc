package sqlledger_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/sqlledger"
	"fhirbridge/pipeline"
)

// TestUnreadableWrite: a write that the key does not open, or whose message it does not, is handed out empty, to be given up. It
// holds up none of the others.
func TestUnreadableWrite(t *testing.T) {
	dir := t.TempDir()
	l := openFile(t, dir)
	var keys []string
	for i := range int64(3) {
		ev := appointment(i)
		if _, err := l.Apply(t.Context(), ev, wanted(ev, time.Now())); err != nil {
			t.Fatal(err)
		}
	}
	due, _, err := l.Due(t.Context(), time.Now().Add(time.Hour), 10)
	if err != nil || len(due) != 3 {
		t.Fatalf("due: %d, %v", len(due), err)
	}
	for _, n := range due {
		a := pipeline.Attempt{ID: pipeline.NewAttempt(), Notification: n.Key, Seen: pipeline.NewPrivate("words"), SubjectVersion: n.Subject.Version, Begun: time.Now()}
		if ok, err := l.Begin(t.Context(), a); !ok || err != nil {
			t.Fatalf("Begin: %v, %v", ok, err)
		}
		w := pipeline.Write{Key: "sent:" + n.Notification.Subject, Kind: pipeline.WriteCreate, Sink: pipeline.SinkTopic, Order: n.Key, Of: a.ID, IfNoneExist: "identifier=a|b"}
		if err := l.Settle(t.Context(), pipeline.Settlement{Key: n.Key, Attempt: a.ID, State: pipeline.Accepted, MessageID: n.Key, Writes: []pipeline.Write{w}}); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, w.Key)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, dir, "UPDATE owed SET secret = (SELECT secret FROM owed WHERE key = '"+keys[1]+"') WHERE key = '"+keys[0]+"'")
	execute(t, dir, "UPDATE attempt SET secret = (SELECT secret FROM attempt ORDER BY id LIMIT 1) WHERE id = (SELECT id FROM attempt ORDER BY id LIMIT 1 OFFSET 1)")
	var log bytes.Buffer
	l, err = sqlledger.New(config(t, dir), sqlledger.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	list, err := l.Writes(t.Context(), pipeline.SinkTopic, time.Now().Add(time.Hour), 10)
	if err != nil || len(list) != 3 {
		t.Fatalf("got %d writes, %v; want all three", len(list), err)
	}
	if list[0].Of != "" || list[1].Of == "" || list[1].Message != nil || list[2].Message == nil {
		t.Errorf("got %+v; want the first empty, the second without its message, and the third whole", list)
	}
	if strings.Count(log.String(), "unreadable") != 2 || strings.Contains(log.String(), keys[2]) {
		t.Errorf("log: %s\nwant the two that cannot be read, and why", log.String())
	}
	if err := l.SettleWrite(t.Context(), list[0].Key, pipeline.WriteResult{GiveUp: true, Reason: pipeline.ReasonRefused}); err != nil {
		t.Fatal(err)
	}
	if given, err := l.GivenUp(t.Context(), 10); err != nil || len(given) != 1 || given[0].Key != list[0].Key {
		t.Errorf("given up: %+v, %v; want the first", given, err)
	}
}
