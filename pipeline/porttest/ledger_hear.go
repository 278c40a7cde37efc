package porttest

import (
	"errors"
	"slices"
	"time"

	"fhirbridge/pipeline"
)

var hearTests = map[string]func(*ledgerTest){
	"a reply is heard once":                                hearOnce,
	"an error of understand leaves it unheard":             hearError,
	"the thread is found by the button's token":            hearToken,
	"the thread is found by the quoted message":            hearQuote,
	"the thread is found as the only one":                  hearOnly,
	"the newest message of the only subject":               hearNewest,
	"words that are awaited answer the newest message":     hearAsked,
	"words are awaited for a day, and by the newest only":  hearAskedNoMore,
	"words that were awaited make others no less clear":    hearAskedBeside,
	"two subjects are not guessed between":                 hearSeveral,
	"nothing was asked":                                    hearNone,
	"a message of last month is not meant":                 hearOld,
	"somebody else's button means nothing":                 hearForeignToken,
	"somebody else's message, quoted, means nothing":       hearForeignQuote,
	"the button counts before the quote":                   hearTokenFirst,
	"a person without number is known by the user's id":    hearUser,
	"the thread knows subject, answer, language, patients": hearThread,
	"answers go to the number it came from":                hearSay,
	"an answer and a plan are kept with the subject":       hearAnswer,
	"what answers a reply outlives a new version":          hearSayStays,
	"each patient of a subject has an answer":              hearAnswers,
	"STOP and START":                                        hearStop,
	"an older STOP or START changes nothing":                hearStopLate,
	"the answer to an older STOP or START is not said":      hearStopUnsaid,
	"the time of the last reply is kept":                    hearLast,
	"writes are owed once":                                  hearWrites,
	"an answer without subject is about nothing":            hearNoSubject,
	"the reply to a deleted subject has a thread all same":  hearGone,
	"a failed message is not one that can be answered":      hearFailed,
	"an answer about a subject that was never kept is kept": hearUnkept,
}

func (t *ledgerTest) wantThread(got pipeline.Thread, how string, n *pipeline.Notification) {
	t.Helper()
	switch {
	case got.How != how:
		t.Errorf("thread: got %q, want %q", got.How, how)
	case n == nil && got.Sent != nil:
		t.Errorf("thread: got %s, want none", got.Sent.Notification.Key)
	case n != nil && (got.Sent == nil || got.Sent.Notification.Key != n.Key):
		t.Errorf("thread: it is not about %s", n.Key)
	}
}

func hearOnce(t *ledgerTest) {
	t.hear(reply("r1", ""), pipeline.Heard{})
	again, err := t.l.Hear(t.Context(), reply("r1", ""), func(pipeline.Thread) (pipeline.Heard, error) {
		t.Error("understand was called again")
		return pipeline.Heard{}, nil
	})
	if again || err != nil {
		t.Errorf("again: got %v, %v; want false", again, err)
	}
}

func hearError(t *ledgerTest) {
	heard, err := t.l.Hear(t.Context(), reply("r1", ""), func(pipeline.Thread) (pipeline.Heard, error) { return pipeline.Heard{}, errDecide })
	if heard || !errors.Is(err, errDecide) {
		t.Errorf("got %v, %v; want the error of understand", heard, err)
	}
	t.hear(reply("r1", ""), pipeline.Heard{})
}

func hearToken(t *ledgerTest) {
	n := t.sent("1", phone)
	t.sent("2", phone)
	first := t.trace(n).Attempts[0].ID
	r := reply("r1", "")
	r.Kind, r.Payload = "button", pipeline.Token(first, 2)
	thread := t.hear(r, pipeline.Heard{})
	t.wantThread(thread, "token", &n)
	wantEqual(t, "action", thread.Sent.Action, "cancel")
	wantEqual(t, "shown", thread.Sent.Attempt.Shown, "2027-01-15T09:30:00Z")
	r.ID, r.Payload = "r2", pipeline.Token(first, 3)
	wantEqual(t, "action of a button that it has not", t.hear(r, pipeline.Heard{}).Sent.Action, "")
}

func hearQuote(t *ledgerTest) {
	n := t.sent("1", phone)
	t.sent("2", phone)
	t.wantThread(t.hear(reply("r1", "wamid.1"), pipeline.Heard{}), "quote", &n)
}

func hearOnly(t *ledgerTest) {
	n := t.sent("1", phone)
	t.sent("2", otherPhone)
	t.wantThread(t.hear(reply("r1", ""), pipeline.Heard{}), "only", &n)
	t.wantThread(t.hear(reply("r2", "wamid.of somebody's own"), pipeline.Heard{}), "only", &n)
}

func hearNewest(t *ledgerTest) {
	t.sent("1", phone)
	n := note("1", "reminder", t.now)
	t.apply(version("Appointment", "1", 2), plan(n))
	a := t.try(t.lease(n.Key))
	a.Begun = t.now.Add(time.Minute)
	t.beginAs(a)
	r := reply("r1", "")
	r.At = t.now.Add(2 * time.Minute)
	t.wantThread(t.hear(r, pipeline.Heard{}), "only", &n)
}

func hearSeveral(t *ledgerTest) {
	t.sent("1", phone)
	t.sent("2", phone)
	thread := t.hear(reply("r1", ""), pipeline.Heard{})
	t.wantThread(thread, "several", nil)
	slices.Sort(thread.Patients)
	if !slices.Equal(thread.Patients, []string{"Patient/1", "Patient/2"}) || thread.Language != "de" {
		t.Errorf("thread: got patients %v, language %q; want both and de", thread.Patients, thread.Language)
	}
}

func hearNone(t *ledgerTest) {
	t.wantThread(t.hear(reply("r1", ""), pipeline.Heard{}), "none", nil)
	n := t.booked("1", t.now)
	a := t.try(t.lease(n.Key))
	a.Actions = nil
	t.beginAs(a)
	t.wantThread(t.hear(reply("r2", ""), pipeline.Heard{}), "none", nil)
}

func hearOld(t *ledgerTest) {
	n := t.booked("1", t.now)
	a := t.try(t.lease(n.Key))
	a.Begun = t.now.AddDate(0, -1, 0)
	t.beginAs(a)
	t.wantThread(t.hear(reply("r1", ""), pipeline.Heard{}), "none", nil)
}

func hearForeignToken(t *ledgerTest) {
	t.sent("1", otherPhone)
	stolen := pipeline.Token(t.attempt.ID, 1)
	t.sent("2", phone)
	r := reply("r1", "")
	r.Payload = stolen
	t.wantThread(t.hear(r, pipeline.Heard{}), "none", nil)
}

func hearForeignQuote(t *ledgerTest) {
	t.sent("1", otherPhone)
	t.sent("2", phone)
	t.wantThread(t.hear(reply("r1", "wamid.1"), pipeline.Heard{}), "none", nil)
}

func hearTokenFirst(t *ledgerTest) {
	n := t.sent("1", phone)
	token := pipeline.Token(t.attempt.ID, 1)
	t.sent("2", phone)
	r := reply("r1", "wamid.2")
	r.Payload = token
	t.wantThread(t.hear(r, pipeline.Heard{}), "token", &n)
}

func hearUser(t *ledgerTest) {
	n := t.sent("1", phone)
	r := reply("r1", "")
	r.UserID = "DE.123"
	t.hear(r, pipeline.Heard{})
	r.ID, r.From = "r2", pipeline.Private{}
	say := note("1", "thanks", t.now)
	t.wantThread(t.hear(r, pipeline.Heard{Outcome: pipeline.Outcome{Say: []pipeline.Notification{say}}}), "only", &n)
	if got := t.lease(say.Key); got.Address.Reveal() != phone {
		t.Error("the answer does not go to the number of that user")
	}
	r.ID, r.UserID = "r3", "DE.456"
	t.wantThread(t.hear(r, pipeline.Heard{}), "none", nil)
}

func hearThread(t *ledgerTest) {
	n := t.sent("1", phone)
	answer := &pipeline.Answer{Subject: n.Subject, Patient: n.Patient, Action: "confirm", At: t.now}
	t.hear(reply("r1", "wamid.1"), pipeline.Heard{Outcome: pipeline.Outcome{Answer: answer}})
	t.apply(version("Patient", "1", 1), nil)
	fresh, err := t.l.Hear(t.Context(), reply("r2", "wamid.1"), func(thread pipeline.Thread) (pipeline.Heard, error) {
		if thread.Subject == nil || thread.Subject.Header().Ref() != n.Subject || thread.SubjectVersion != "1" {
			t.Error("thread: the subject is not its newest version")
		}
		if a := thread.Known.AnswerOf(n.Patient); a == nil || a.Action != "confirm" || !thread.Known.ToldOf(n.Patient) {
			t.Error("thread: the answer before is not known")
		}
		if thread.Language != "de" || thread.Stopped || !slices.Equal(thread.Patients, []string{n.Patient}) || thread.Now.IsZero() {
			t.Errorf("thread: got language %q, stopped %v, patients %v", thread.Language, thread.Stopped, thread.Patients)
		}
		if thread.Lookup(n.Subject) == nil || thread.Lookup("Location/none") != nil {
			t.Error("thread: Lookup does not find what is kept, or more")
		}
		return pipeline.Heard{}, nil
	})
	if !fresh || err != nil {
		t.Errorf("Hear: got %v, %v; want true", fresh, err)
	}
}
