package porttest

import (
	"strings"
	"time"

	"fhirbridge/pipeline"
)

// What follows a message that was sent, and what somebody has asked for.
var followTests = map[string]func(*ledgerTest){
	"what has become of a message is told once":         followFate,
	"delivered is heard after read":                     followLate,
	"a failure is told, of what was never filed too":    followFailed,
	"a pending write takes the newest":                  followReplaced,
	"what is replaced while it is tried is tried again": followTried,
	"what is followed may be owed again":                followAgain,
	"who files what expired unknown is told":            lapseTells,
	"who files a failure is told if it is tried again":  receiptTells,
	"what was given up is owed anew by newer":           followGivenUp,
	"what is replaced while it is given up":             followGivenUpLate,
	"what somebody asked for expires in dispatch":       requestedExpires,
	"what somebody asked for lapses to dispatch":        requestedLapses,
	"what somebody asked for is told with its hold":     requestedHeld,
	"what is not sent is told with it":                  requestedTold,
}

// fates receives and returns what file was told, and "" if it was not called.
func (t *ledgerTest) fates(r pipeline.Receipt) string {
	t.Helper()
	if r.At.IsZero() {
		r.At = t.now
	}
	var told []string
	_, err := t.l.Receive(t.Context(), r, func(m pipeline.SentMessage) []pipeline.Write {
		f := m.Fate
		what := string(f.State)
		if f.Filed {
			what += " filed"
		}
		if !f.Delivered.IsZero() {
			what += " delivered" + f.Delivered.UTC().Format(" 15:04")
		}
		if !f.Read.IsZero() {
			what += " read" + f.Read.UTC().Format(" 15:04")
		}
		if f.Code != "" {
			what += " " + f.Code
		}
		if m.Attempt.MessageID == "" || m.Attempt.Seen.Empty() {
			what += " without its words"
		}
		told = append(told, what)
		return nil
	})
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	return strings.Join(told, ", ")
}

func clock(hour int) time.Time { return time.Date(2026, 3, 1, hour, 0, 0, 0, time.UTC) }

func followFate(t *ledgerTest) {
	t.sent("1", phone)
	for _, step := range []struct {
		state pipeline.State
		hour  int
		want  string
	}{
		{pipeline.Accepted, 8, ""},
		{pipeline.Sent, 9, "sent filed"},
		{pipeline.Delivered, 10, "delivered filed delivered 10:00"},
		{pipeline.Delivered, 11, ""},
		{pipeline.Sent, 11, ""},
		{pipeline.Read, 12, "read filed delivered 10:00 read 12:00"},
		{pipeline.Delivered, 13, ""},
		{pipeline.Failed, 13, ""},
		{pipeline.Read, 14, ""},
	} {
		got := t.fates(pipeline.Receipt{MessageID: "wamid.1", State: step.state, At: clock(step.hour), Code: map[bool]string{true: "131000"}[step.state == pipeline.Failed]})
		wantEqual(t, string(step.state), got, step.want)
	}
}

func followLate(t *ledgerTest) {
	t.begun("1", nil)
	wantEqual(t, "read", t.fates(pipeline.Receipt{Attempt: t.attempt.ID, MessageID: "wamid.1", State: pipeline.Read, At: clock(12)}), "read read 12:00")
	wantEqual(t, "delivered", t.fates(pipeline.Receipt{MessageID: "wamid.1", State: pipeline.Delivered, At: clock(10)}), "read filed delivered 10:00 read 12:00")
	wantEqual(t, "sent", t.fates(pipeline.Receipt{MessageID: "wamid.1", State: pipeline.Sent, At: clock(9)}), "")
}

func followFailed(t *ledgerTest) {
	t.sent("1", phone)
	failed := pipeline.Receipt{MessageID: "wamid.1", State: pipeline.Failed, Code: "131026"}
	wantEqual(t, "accepted", t.fates(failed), "failed filed 131026")
	wantEqual(t, "again", t.fates(failed), "")
	t.doubtful("2", nil)
	wantEqual(t, "unknown", t.fates(pipeline.Receipt{Attempt: t.attempt.ID, MessageID: "wamid.2", State: pipeline.Failed, Code: "131026"}), "failed 131026")
}

// following is the write f1, that follows a1.
func following(body string) pipeline.Write {
	w := write("f1", "A")
	w.Kind, w.Body, w.Answers, w.Thread = pipeline.WriteFollow, pipeline.NewPrivate(body), "a1", "t1"
	return w
}

func (t *ledgerTest) wantBody(w pipeline.Write, body string) {
	t.Helper()
	if w.Kind != pipeline.WriteFollow || w.Answers != "a1" || w.Thread != "t1" || w.Body.Reveal() != body {
		t.Errorf("%s: got another one, want %s", w.Key, body)
	}
}

func followReplaced(t *ledgerTest) {
	t.owe("r1", write("a1", "A"), following("delivered"))
	t.owe("r2", write("a2", "A"), following("read"))
	t.wantKeys(t.soon(), "a1")
	t.settleWrite("a1", done)
	list := t.pending()
	if len(list) != 1 {
		t.Fatalf("pending: got %d, want 1", len(list))
	}
	t.wantBody(list[0], "read")
	t.settleWrite("f1", done)
	t.wantKeys(t.soon(), "a2")
	t.settleWrite("a2", done)
	t.wantKeys(t.soon())
}

func followTried(t *ledgerTest) {
	t.owe("r1", following("delivered"), write("a2", "A"))
	t.wantKeys(t.soon(), "f1")
	t.owe("r2", following("read"))
	t.wantKeys(t.soon())
	wake := t.l.WakeWrites(pipeline.SinkServer)
	for len(wake) > 0 {
		<-wake
	}
	t.settleWrite("f1", done)
	wantEqual(t, "signals", len(wake), 1)
	list := t.pending()
	if len(list) != 1 {
		t.Fatalf("pending: got %d, want the one that was replaced", len(list))
	}
	t.wantBody(list[0], "read")
	t.settleWrite("f1", done)
	t.wantKeys(t.soon(), "a2")
	census, err := t.l.Census(t.Context())
	if err != nil || census.Writes[pipeline.SinkServer] != 1 {
		t.Errorf("census: got %d pending, %v; want 1", census.Writes[pipeline.SinkServer], err)
	}
}

func followAgain(t *ledgerTest) {
	for i, body := range []string{"delivered", "read"} {
		t.owe("r"+keyed(i), following(body))
		list := t.pending()
		if len(list) != 1 {
			t.Fatalf("pending: got %d, want 1", len(list))
		}
		t.wantBody(list[0], body)
		t.settleWrite("f1", done)
	}
	t.wantKeys(t.soon())
}

var givenUp = pipeline.WriteResult{GiveUp: true, Reason: pipeline.ReasonRefused}

func (t *ledgerTest) wantWrites(pending, abandoned int) {
	t.Helper()
	census, err := t.l.Census(t.Context())
	if err != nil || census.Writes[pipeline.SinkServer] != pending || census.GivenUp != abandoned {
		t.Errorf("census: got %d pending, %d given up, %v; want %d and %d", census.Writes[pipeline.SinkServer], census.GivenUp, err, pending, abandoned)
	}
}

func followGivenUp(t *ledgerTest) {
	t.owe("r1", following("delivered"))
	t.wantKeys(t.soon(), "f1")
	t.settleWrite("f1", givenUp)
	t.wantWrites(0, 1)
	t.owe("r2", following("read"))
	t.wantWrites(1, 0)
	list := t.pending()
	if len(list) != 1 || list[0].Tries != 0 {
		t.Fatalf("pending: got %d, want one that was not tried", len(list))
	}
	t.wantBody(list[0], "read")
	t.settleWrite("f1", givenUp)
	t.owe("r3", write("a2", "A"), following("failed")) // behind what is owed by now
	t.wantKeys(t.soon(), "a2")
	t.settleWrite("a2", done)
	t.wantKeys(t.soon(), "f1")
	t.settleWrite("f1", done)
	t.wantWrites(0, 0)
}

func followGivenUpLate(t *ledgerTest) {
	t.owe("r1", following("delivered"))
	t.wantKeys(t.soon(), "f1")
	t.owe("r2", following("read"))
	t.settleWrite("f1", givenUp)
	t.wantWrites(1, 0)
	list := t.pending()
	if len(list) != 1 {
		t.Fatalf("pending: got %d, want the newer", len(list))
	}
	t.wantBody(list[0], "read")
}
