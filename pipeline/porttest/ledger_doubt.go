package porttest

import (
	"time"

	"fhirbridge/pipeline"
)

// When a number may be somebody else's by now, and when it is certain again.
var doubtTests = map[string]func(*ledgerTest){
	"another number puts both in doubt":                doubtNumber,
	"what was said by the one holds for the other":     doubtSaid,
	"another identity is a doubt, the first is none":   doubtIdentity,
	"the first identity that a receipt tells is kept":  doubtReceipt,
	"another one that a receipt tells is a doubt":      doubtReceiptOther,
	"what a receipt told is not told again":            doubtReceiptAgain,
	"what is older than the key is nothing":            doubtOlder,
	"a message that was not for this identity":         doubtFailed,
	"a message that was refused for that":              doubtRefused,
	"a right answer to who somebody is removes it":     doubtVerified,
	"it is one of all forms":                           doubtForms,
	"it is not the owner's word, and opens no window":  doubtSilent,
	"somebody without a number is answered by the id":  guessAnswered,
	"a right guess makes the id one of the number":     guessRight,
	"wrong ones are counted, of both":                  guessWrong,
	"what went to the id is part of the number's talk": guessTalk,
}

// wantDoubt checks since when a number is in doubt; the zero time for not at all.
func (t *ledgerTest) wantDoubt(number string, want time.Time) pipeline.Sender {
	t.Helper()
	got := t.sender(number)
	if !got.Unverified.Equal(want) {
		t.Errorf("in doubt: got %s, want %s", got.Unverified, want)
	}
	return got
}

// changes is the provider's word that the owner of phone has another number.
func (t *ledgerTest) changes(id string, after int) pipeline.Thread {
	t.Helper()
	r := reply(id, "")
	r.Kind, r.At = "system", t.now.Add(time.Duration(after)*time.Second)
	r.Doubt = &pipeline.Doubt{Why: pipeline.DoubtNumber, Number: pipeline.NewPrivate(otherPhone)}
	return t.hear(r, pipeline.Heard{})
}

// shows hears a reply from phone with an identity.
func (t *ledgerTest) shows(id, identity string, after int) pipeline.Thread {
	t.Helper()
	r := reply(id, "")
	r.At, r.Identity = t.now.Add(time.Duration(after)*time.Second), pipeline.NewPrivate(identity)
	return t.hear(r, pipeline.Heard{})
}

func doubtNumber(t *ledgerTest) {
	n := t.sent("1", phone)
	t.wantDoubt(phone, time.Time{})
	thread := t.changes("r1", 5)
	wantEqual(t, "by this reply", thread.Doubt, pipeline.DoubtNumber)
	if len(thread.Patients) != 1 || thread.Patients[0] != n.Patient || !thread.Unverified.Equal(t.now.Add(5*time.Second)) {
		t.Errorf("thread: got patients %v, in doubt since %v", thread.Patients, thread.Unverified)
	}
	t.wantDoubt(phone, t.now.Add(5*time.Second))
	t.wantDoubt(otherPhone, t.now.Add(5*time.Second))
	later := t.says("r2", time.Minute)
	if later.Doubt != "" || later.Unverified.IsZero() {
		t.Errorf("a later reply: got doubt %q, since %v; want no new one", later.Doubt, later.Unverified)
	}
	t.changes("r3", 1) // an older one that comes late
	t.wantDoubt(phone, t.now.Add(5*time.Second))
}

func doubtSaid(t *ledgerTest) {
	t.word("r1", phone, true, 1)
	t.wishes("r2", phone, 2, pipeline.Outcome{Language: "uk", Disowns: []string{"Patient/9"}})
	t.changes("r3", 3)
	wantEqual(t, "stopped", t.stopped(otherPhone), true)
	for _, number := range []string{phone, otherPhone} {
		if got, want := t.sender(number).Word, t.now.Add(time.Second); !got.Equal(want) {
			t.Errorf("the last word: got %s, want %s", got, want)
		}
	}
	wantEqual(t, "language", t.sender(otherPhone).Language, "uk")
	wantEqual(t, "disowned", t.disowned(otherPhone, "Patient/9"), true)
	wantEqual(t, "window", t.heardAt(otherPhone).IsZero(), true)
}

func doubtIdentity(t *ledgerTest) {
	wantEqual(t, "at first", t.shows("r1", "KEY1=", 1).Doubt, "")
	wantEqual(t, "kept", t.wantDoubt(phone, time.Time{}).Identity.Reveal(), "KEY1=")
	wantEqual(t, "the same", t.shows("r2", "KEY1=", 2).Doubt, "")
	wantEqual(t, "none", t.shows("r3", "", 3).Doubt, "")
	thread := t.shows("r4", "KEY2=", 4)
	wantEqual(t, "another", thread.Doubt, pipeline.DoubtIdentity)
	wantEqual(t, "kept then", t.wantDoubt(phone, t.now.Add(4*time.Second)).Identity.Reveal(), "KEY2=")
	wantEqual(t, "somebody else's number", t.wantDoubt(otherPhone, time.Time{}).Identity.Reveal(), "")
}

func doubtReceipt(t *ledgerTest) {
	t.sent("1", phone)
	for range 2 {
		t.receive(pipeline.Receipt{MessageID: "wamid.1", State: pipeline.Delivered, Identity: pipeline.NewPrivate("KEY1=")})
	}
	wantEqual(t, "kept", t.wantDoubt(phone, time.Time{}).Identity.Reveal(), "KEY1=")
}

func doubtReceiptOther(t *ledgerTest) {
	t.sent("1", phone)
	t.shows("r1", "KEY1=", 1)
	var told []pipeline.Reason
	file := func(m pipeline.SentMessage) []pipeline.Write {
		told = append(told, m.Doubt)
		return nil
	}
	for range 2 {
		r := pipeline.Receipt{MessageID: "wamid.1", State: pipeline.Delivered, Identity: pipeline.NewPrivate("KEY2="), At: t.now.Add(time.Second)}
		if _, err := t.l.Receive(t.Context(), r, file); err != nil {
			t.Fatal(err)
		}
	}
	if len(told) != 1 || told[0] != pipeline.DoubtIdentity {
		t.Errorf("told: got %v, want the doubt once", told)
	}
	t.wantDoubt(phone, t.now.Add(time.Second))
}

func doubtReceiptAgain(t *ledgerTest) {
	n := t.reported("1", "Patient/1")
	delivered := pipeline.Receipt{MessageID: "wamid.1", State: pipeline.Delivered, Identity: pipeline.NewPrivate("KEY1="), At: t.now.Add(time.Second)}
	t.receive(delivered)
	t.shows("r1", "KEY2=", 1) // in the same second
	t.tries("r2", "wamid.1", n, true)
	t.receive(delivered) // once more
	wantEqual(t, "kept", t.wantDoubt(phone, time.Time{}).Identity.Reveal(), "KEY2=")
}

func doubtOlder(t *ledgerTest) {
	n := t.reported("1", "Patient/1")
	t.reported("2", "Patient/1")
	t.shows("r1", "KEY1=", 1)
	t.shows("r2", "KEY2=", 4)
	t.tries("r3", "wamid.1", n, true)
	t.receive(pipeline.Receipt{MessageID: "wamid.1", State: pipeline.Delivered, Identity: pipeline.NewPrivate("KEY1="), At: t.now.Add(2 * time.Second)})
	t.receive(pipeline.Receipt{MessageID: "wamid.2", State: pipeline.Failed, Code: "137000", At: t.now.Add(3 * time.Second)})
	wantEqual(t, "a reply's", t.shows("r4", "KEY1=", 3).Doubt, "")
	wantEqual(t, "kept", t.wantDoubt(phone, time.Time{}).Identity.Reveal(), "KEY2=")
}

func doubtFailed(t *ledgerTest) {
	t.sent("1", phone)
	t.shows("r1", "KEY1=", 1)
	failed := pipeline.Receipt{MessageID: "wamid.1", State: pipeline.Failed, Code: "137000", At: t.now.Add(2 * time.Second)}
	t.receive(failed)
	wantEqual(t, "the key that it was for", t.wantDoubt(phone, t.now.Add(2*time.Second)).Identity.Reveal(), "")
	n := t.reported("2", "Patient/1")
	t.tries("r2", "wamid.2", n, true)
	t.receive(failed) // once more
	t.wantDoubt(phone, time.Time{})
}

func doubtRefused(t *ledgerTest) {
	n := t.begun("1", nil)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Failed, Reason: pipeline.ReasonRefused, Code: "137000"})
	t.wantDoubt(phone, t.now)
}

func doubtVerified(t *ledgerTest) {
	n := t.reported("1", "Patient/1")
	t.changes("r1", 1)
	t.tries("r2", "wamid.1", n, false)
	t.wantDoubt(phone, t.now.Add(time.Second))
	t.tries("r3", "wamid.1", n, true)
	t.wantDoubt(phone, time.Time{})
	t.wantDoubt(otherPhone, t.now.Add(time.Second))
}

func doubtForms(t *ledgerTest) {
	t.sentAs("1", phone, written)
	r := from(written, "r1", "")
	r.At, r.Doubt = t.now, &pipeline.Doubt{Why: pipeline.DoubtIdentity}
	t.hear(r, pipeline.Heard{})
	t.wantDoubt(phone, t.now)
	t.wantDoubt(written, t.now)
}

func doubtSilent(t *ledgerTest) {
	t.changes("r1", 1)
	if at := t.heardAt(phone); !at.IsZero() {
		t.Errorf("last heard: got %v, want never", at)
	}
}

// nameless is a reply of somebody of whom only the user's id is known.
func nameless(id, quotes, user string) pipeline.Reply {
	r := reply(id, quotes)
	r.From, r.UserID = pipeline.Private{}, user
	return r
}

// asks sends the answer to a reply of somebody nobody knows, which awaits words.
func (t *ledgerTest) asksStranger(id, user string) pipeline.Attempt {
	t.Helper()
	ask := note("", "who", t.now)
	ask.Subject, ask.Patient, ask.Recipient, ask.ReplyTo = "", "", "", id
	ask.Key = pipeline.NotificationKey("talk", "who", "", id, "")
	t.hear(nameless(id, "", user), pipeline.Heard{Outcome: pipeline.Outcome{Say: []pipeline.Notification{ask}}})
	due := t.lease(ask.Key)
	a := t.try(due)
	a.Address, a.Awaits, a.Actions = due.Address, true, nil
	t.beginAs(a)
	t.settle(pipeline.Settlement{Key: ask.Key, Attempt: a.ID, State: pipeline.Accepted, MessageID: "wamid." + id})
	return a
}

func guessAnswered(t *ledgerTest) {
	a := t.asksStranger("r1", "US.1")
	wantEqual(t, "it goes to", a.Address.Reveal(), "US.1")
	if known := t.sender("US.1"); known.Heard.IsZero() {
		t.Error("the person has never been heard")
	}
	thread := t.hear(nameless("r2", "", "US.1"), pipeline.Heard{})
	wantEqual(t, "found", thread.How, "asked")
	wantEqual(t, "from a number", thread.From.Empty(), true)
	wantEqual(t, "somebody else", t.hear(nameless("r3", "", "US.2"), pipeline.Heard{}).How, "none")
	stop := true
	t.hear(nameless("r4", "", "US.1"), pipeline.Heard{Outcome: pipeline.Outcome{Stop: &stop}})
	wantEqual(t, "stopped", t.stopped("US.1"), true)
}

// guesses hears somebody say whose number theirs is.
func (t *ledgerTest) guesses(id, user, number string, passed bool) pipeline.Thread {
	t.Helper()
	return t.hear(nameless(id, "", user), pipeline.Heard{Outcome: pipeline.Outcome{Guess: &pipeline.Guess{Number: pipeline.NewPrivate(number), Passed: passed}}})
}

func guessRight(t *ledgerTest) {
	n := t.sent("1", phone)
	patients, wrong := t.guesses("r1", "US.1", phone, true).Told(pipeline.NewPrivate(phone))
	if len(patients) != 1 || patients[0] != n.Patient || wrong != 0 {
		t.Errorf("told at the number: got %v, %d wrong; want the patient", patients, wrong)
	}
	thread := t.hear(nameless("r2", "", "US.1"), pipeline.Heard{})
	t.wantThread(thread, "only", &n)
	t.wantFrom(thread, phone)
}

func guessWrong(t *ledgerTest) {
	t.sent("1", phone)
	wantEqual(t, "at first", t.guesses("r1", "US.1", phone, false).Guesses, 0)
	wantEqual(t, "then", t.guesses("r2", "US.1", phone, false).Guesses, 1)
	thread := t.guesses("r3", "US.2", otherPhone, false)
	wantEqual(t, "of somebody else", thread.Guesses, 0)
	_, wrong := thread.Told(pipeline.NewPrivate(phone))
	wantEqual(t, "about the number", wrong, 2)
	patients, wrong := thread.Told(pipeline.NewPrivate(otherPhone))
	wantEqual(t, "about a number that was told nothing", wrong+len(patients), 0)
	t.wantThread(t.hear(nameless("r4", "", "US.1"), pipeline.Heard{}), "none", nil)
}

func guessTalk(t *ledgerTest) {
	n := t.sent("1", phone)
	t.asksStranger("r1", "US.1")
	t.guesses("r2", "US.1", phone, true)
	thread := t.hear(nameless("r3", "wamid.r1", "US.1"), pipeline.Heard{})
	wantEqual(t, "found", thread.How, "quote")
	t.wantFrom(thread, phone)
	t.wantThread(t.hear(nameless("r4", "wamid.1", "US.1"), pipeline.Heard{}), "quote", &n)
	t.receive(pipeline.Receipt{MessageID: "wamid.r1", State: pipeline.Delivered, UserID: "US.1"})
	t.wantFrom(t.hear(nameless("r5", "", "US.1"), pipeline.Heard{}), phone)
}
