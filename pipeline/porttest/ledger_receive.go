package porttest

import (
	"fhirbridge/pipeline"
)

var receiveTests = map[string]func(*ledgerTest){
	"receipts count upward only":                        receiveUpward,
	"a receipt may come before the answer to the post":  receiveBeforeSettle,
	"a receipt settles what was unknown, and files it":  receiveUnknown,
	"a receipt of an earlier attempt counts":            receiveEarlier,
	"a failure of an earlier attempt does not":          receiveEarlierFailure,
	"a receipt settles what is held":                    receiveHeld,
	"a failure has its reason":                          receiveFailed,
	"a message that is not ours":                        receiveStranger,
	"the attempt's id counts before the message's":      receiveByAttempt,
	"a late failure does not undo what was delivered":   receiveLateFailure,
	"receipts tell whose number goes with a user's id":  receivePairs,
	"a receipt after the grace period prevents another": receiveAfterLapse,
}

func receiveUpward(t *ledgerTest) {
	n := t.sent("1", phone)
	for _, step := range []struct {
		state   pipeline.State
		changed bool
		to      pipeline.State
	}{
		{pipeline.Accepted, false, pipeline.Accepted},
		{pipeline.Delivered, true, pipeline.Delivered},
		{pipeline.Sent, false, pipeline.Delivered},
		{pipeline.Delivered, false, pipeline.Delivered},
		{pipeline.Read, true, pipeline.Read},
		{pipeline.Delivered, false, pipeline.Read},
	} {
		got := t.receive(pipeline.Receipt{MessageID: "wamid.1", State: step.state})
		if !got.Known || got.Changed != step.changed || got.To != step.to {
			t.Errorf("%s: got changed %v to %s, want %v to %s", step.state, got.Changed, got.To, step.changed, step.to)
		}
	}
	t.wantState(n, pipeline.Read, "")
	wantEqual(t, "writes", len(t.pending()), 0)
}

func receiveBeforeSettle(t *ledgerTest) {
	n := t.begun("1", nil)
	id := t.attempt.ID
	got := t.receive(pipeline.Receipt{Attempt: id, MessageID: "wamid.1", State: pipeline.Delivered})
	if !got.Changed || got.To != pipeline.Delivered {
		t.Errorf("receipt: got %+v, want it delivered", got)
	}
	t.settle(pipeline.Settlement{
		Key: n.Key, Attempt: id, State: pipeline.Accepted, MessageID: "wamid.1", Writes: []pipeline.Write{write("sent:"+id, n.Patient)},
	})
	t.wantState(n, pipeline.Delivered, "")
	wantEqual(t, "writes", len(t.pending()), 1)
	wantEqual(t, "message id", t.trace(n).Attempts[0].MessageID, "wamid.1")
}

func receiveUnknown(t *ledgerTest) {
	n := t.doubtful("1", nil)
	_, err := t.l.Receive(t.Context(), pipeline.Receipt{Attempt: t.attempt.ID, MessageID: "wamid.1", State: pipeline.Sent, At: t.now},
		func(m pipeline.SentMessage) []pipeline.Write {
			if m.Attempt.MessageID != "wamid.1" || !m.Attempt.Seen.Equal(t.attempt.Seen) || !m.Attempt.Address.Equal(t.attempt.Address) {
				t.Error("file was not told what was sent")
			}
			wantEqual(t, "filed", m.Notification.Key, n.Key)
			return []pipeline.Write{write("sent:1", n.Patient)}
		})
	if err != nil {
		t.Fatal(err)
	}
	t.wantState(n, pipeline.Sent, "")
	wantEqual(t, "writes", len(t.pending()), 1)
	t.lapse(0, 0)
}

func receiveEarlier(t *ledgerTest) {
	n := t.doubtful("1", nil)
	first := t.attempt.ID
	t.lapse(1, 0)
	t.begin(t.lease(n.Key))
	got := t.receive(pipeline.Receipt{Attempt: first, State: pipeline.Delivered})
	if !got.Changed || got.Notification.Key != n.Key {
		t.Errorf("receipt: got %+v, want it delivered", got)
	}
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid.2"})
	t.wantState(n, pipeline.Delivered, "")
}

func receiveEarlierFailure(t *ledgerTest) {
	n := t.doubtful("1", nil)
	first := t.attempt.ID
	t.lapse(1, 0)
	t.begin(t.lease(n.Key))
	if got := t.receive(pipeline.Receipt{Attempt: first, State: pipeline.Failed, Code: "131000"}); got.Changed {
		t.Errorf("receipt: got %+v, want no change", got)
	}
	t.wantState(n, pipeline.Sending, "")
}

func receiveHeld(t *ledgerTest) {
	n := t.doubtful("1", func(n *pipeline.Notification) { n.Resend = false })
	t.lapse(0, 1)
	t.receive(pipeline.Receipt{Attempt: t.attempt.ID, State: pipeline.Delivered})
	t.wantState(n, pipeline.Delivered, "")
	wantEqual(t, "writes", len(t.pending()), 1)
}

func receiveFailed(t *ledgerTest) {
	n := t.sent("1", phone)
	got := t.receive(pipeline.Receipt{MessageID: "wamid.1", State: pipeline.Failed, Code: "131000"})
	if !got.Changed || got.To != pipeline.Failed || got.Notification.Reason != string(pipeline.ReasonRefused) {
		t.Errorf("receipt: got %+v, want it failed", got)
	}
	t.wantState(n, pipeline.Failed, pipeline.ReasonRefused)
}

func receiveStranger(t *ledgerTest) {
	got := t.receive(pipeline.Receipt{Attempt: pipeline.NewAttempt(), MessageID: "wamid.stranger", State: pipeline.Read})
	if got.Known || got.Changed {
		t.Errorf("receipt: got %+v, want it unknown", got)
	}
}

func receiveByAttempt(t *ledgerTest) {
	t.sent("1", phone)
	n := t.begun("2", nil)
	got := t.receive(pipeline.Receipt{Attempt: t.attempt.ID, MessageID: "wamid.1", State: pipeline.Sent})
	wantEqual(t, "receipt is about", got.Notification.Key, n.Key)
}

func receiveLateFailure(t *ledgerTest) {
	n := t.sent("1", phone)
	t.receive(pipeline.Receipt{MessageID: "wamid.1", State: pipeline.Delivered})
	if got := t.receive(pipeline.Receipt{MessageID: "wamid.1", State: pipeline.Failed, Code: "131000"}); got.Changed {
		t.Errorf("receipt: got %+v, want no change", got)
	}
	t.wantState(n, pipeline.Delivered, "")
}

func receivePairs(t *ledgerTest) {
	n := t.sent("1", phone)
	t.receive(pipeline.Receipt{MessageID: "wamid.1", State: pipeline.Delivered, UserID: "DE.123"})
	r := reply("r1", "")
	r.From, r.UserID = pipeline.Private{}, "DE.123"
	thread := t.hear(r, pipeline.Heard{})
	if thread.Sent == nil || thread.Sent.Notification.Key != n.Key || thread.How != "only" {
		t.Errorf("thread: got %s, want the message to the paired number", thread.How)
	}
}

func receiveAfterLapse(t *ledgerTest) {
	n := t.doubtful("1", nil)
	t.lapse(1, 0)
	leased := t.lease(n.Key)
	t.receive(pipeline.Receipt{Attempt: t.attempt.ID, MessageID: "wamid.1", State: pipeline.Delivered})
	t.wantRefused(t.try(leased))
	t.wantState(n, pipeline.Delivered, "")
}
