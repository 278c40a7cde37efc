package porttest

import (
	"slices"
	"time"

	"fhirbridge/pipeline"
)

// The provider may write a number otherwise than it is dialled: the same person all the same.
var numberTests = map[string]func(*ledgerTest){
	"a reply from the other form finds its thread":      numberThread,
	"an answer goes to the form that is dialled":        numberSay,
	"STOP and START hold for all forms":                 numberStop,
	"a STOP from before the forms were known":           numberStopBefore,
	"the time of the last reply, in whatever form":      numberHeard,
	"a receipt tells the form as well":                  numberReceipt,
	"several forms that are dialled are one person":     numberSeveral,
	"persons who turn out to be one":                    numberMerge,
	"somebody else's number stays somebody else's":      numberStranger,
	"a person without number, known by the user's id":   numberUser,
	"what is said under a user's id waits for a number": numberUserWord,
	"a receipt tells whose number a user's id is":       numberUserReceipt,
	"a form that is told again and again is kept once":  numberTwice,
}

// How a number is dialled, in two ways, and how the provider writes it.
const (
	dialled      = "+5511955550123"
	dialledAlso  = "+55011955550123"
	written      = "+551155550123"
	writtenBare  = "551155550123"
	writtenOther = "+551155550199"
)

func from(number, id, quotes string) pipeline.Reply {
	r := reply(id, quotes)
	r.From = pipeline.NewPrivate(number)
	return r
}

func (t *ledgerTest) wantFrom(got pipeline.Thread, number string) {
	t.Helper()
	if !got.From.Equal(pipeline.NewPrivate(number)) {
		t.Error("thread: it is not from the number that is dialled")
	}
}

func numberThread(t *ledgerTest) {
	n := t.sentAs("1", dialled, written)
	tap := from(written, "r1", "")
	tap.Kind, tap.Payload = "button", pipeline.Token(t.attempt.ID, 1)
	for how, r := range map[string]pipeline.Reply{
		"token": tap, "quote": from(written, "r2", "wamid.1"), "only": from(written, "r3", ""),
	} {
		thread := t.hear(r, pipeline.Heard{})
		t.wantThread(thread, how, &n)
		t.wantFrom(thread, dialled)
		if thread.Language != "de" || !slices.Equal(thread.Patients, []string{n.Patient}) {
			t.Errorf("%s: got language %q, patients %v", how, thread.Language, thread.Patients)
		}
	}
	t.wantThread(t.hear(from(dialled, "r4", ""), pipeline.Heard{}), "only", &n)
}

func numberSay(t *ledgerTest) {
	t.sentAs("1", dialled, written)
	t.sentAs("2", dialled, written)
	for i, quotes := range []string{"wamid.1", ""} { // about one of two, and about neither
		say := note("1", "thanks"+keyed(i), t.now)
		thread := t.hear(from(written, "r"+keyed(i), quotes), pipeline.Heard{Outcome: pipeline.Outcome{Say: []pipeline.Notification{say}}})
		t.wantFrom(thread, dialled)
		if got := t.lease(say.Key); got.Address.Reveal() != dialled {
			t.Errorf("quoting %q: the answer does not go to the number that is dialled", quotes)
		}
	}
}

func numberStop(t *ledgerTest) {
	t.sentAs("1", dialled, written)
	for i, c := range []struct {
		from  string
		stop  bool
		after int
		want  bool
	}{
		{written, true, 1, true},
		{dialled, false, 2, false},
		{dialled, true, 3, true},
		{written, false, 2, true}, // late
		{written, false, 4, false},
		{dialled, true, 3, false}, // late
		{written, true, 4, true},
		{dialled, false, 4, true}, // of the same second
	} {
		t.word("r"+keyed(i), c.from, c.stop, c.after)
		if both := []bool{t.stopped(dialled), t.stopped(written)}; both[0] != c.want || both[1] != c.want {
			t.Errorf("word %d: got %v stopped, want both %v", i, both, c.want)
		}
	}
	wantEqual(t, "thread", t.hear(from(written, "last", ""), pipeline.Heard{}).Stopped, true)
}

func numberStopBefore(t *ledgerTest) {
	t.word("r1", written, true, 0)
	t.word("r2", dialled, false, 0) // of the same second, and as yet of somebody else
	wantEqual(t, "before anything is known", t.stopped(dialled), false)
	t.sentAs("1", dialled, written)
	wantEqual(t, "now that the form is known", t.stopped(dialled), true)
	t.word("r3", written, false, 1)
	wantEqual(t, "after START", t.stopped(dialled) || t.stopped(written), false)
}

func numberHeard(t *ledgerTest) {
	r := from(written, "r1", "")
	r.At = t.now
	t.hear(r, pipeline.Heard{})
	t.sentAs("1", dialled, written)
	for _, number := range []string{dialled, written} {
		if at := t.heardAt(number); !at.Equal(t.now) {
			t.Errorf("got %v, want %v", at, t.now)
		}
	}
}

func numberReceipt(t *ledgerTest) {
	n := t.sent("1", dialled) // the answer to the post was lost, or said nothing
	t.receive(pipeline.Receipt{MessageID: "wamid.1", State: pipeline.Delivered, Address: pipeline.NewPrivate(writtenBare)})
	thread := t.hear(from(written, "r1", ""), pipeline.Heard{})
	t.wantThread(thread, "only", &n)
	t.wantFrom(thread, dialled)
}

func numberSeveral(t *ledgerTest) {
	t.sentAs("1", dialled, written)
	t.sentAs("2", dialledAlso, written)
	t.word("r1", written, true, 1)
	for _, number := range []string{dialled, dialledAlso, written} {
		wantEqual(t, "stopped", t.stopped(number), true)
	}
	thread := t.hear(from(written, "r2", ""), pipeline.Heard{})
	slices.Sort(thread.Patients)
	if !slices.Equal(thread.Patients, []string{"Patient/1", "Patient/2"}) || thread.How != "several" {
		t.Errorf("thread: got %s of %v, want several of both", thread.How, thread.Patients)
	}
	t.wantFrom(t.hear(from(written, "r3", "wamid.1"), pipeline.Heard{}), dialled)
	t.wantFrom(t.hear(from(written, "r4", "wamid.2"), pipeline.Heard{}), dialledAlso)
	t.sentAs("3", dialled, writtenOther) // WhatsApp writes it in a new way now
	wantEqual(t, "stopped, in a new form", t.stopped(writtenOther), true)
}

func numberMerge(t *ledgerTest) {
	t.sentAs("1", dialled, written)
	t.sentAs("2", dialledAlso, writtenOther)
	t.word("r1", written, true, 1)
	wantEqual(t, "stopped, as another", t.stopped(dialledAlso), false)
	t.sentAs("3", dialled, writtenOther)
	for _, number := range []string{dialled, dialledAlso, written, writtenOther} {
		wantEqual(t, "stopped, as one", t.stopped(number), true)
	}
}

func numberStranger(t *ledgerTest) {
	t.sentAs("1", dialled, written)
	stolen := pipeline.Token(t.attempt.ID, 1)
	t.word("r1", written, true, 0)
	wantEqual(t, "another number", t.stopped(phone), false)
	r := from(phone, "r2", "wamid.1")
	t.wantThread(t.hear(r, pipeline.Heard{}), "none", nil)
	r.ID, r.Payload = "r3", stolen
	t.wantThread(t.hear(r, pipeline.Heard{}), "none", nil)
}

func numberUser(t *ledgerTest) {
	n := t.sentAs("1", dialled, written)
	r := from(written, "r1", "")
	r.UserID = "BR.123"
	t.hear(r, pipeline.Heard{})
	r.ID, r.From = "r2", pipeline.Private{}
	thread := t.hear(r, pipeline.Heard{})
	t.wantThread(thread, "only", &n)
	t.wantFrom(thread, dialled)
}

func numberTwice(t *ledgerTest) {
	n := t.begun("1", nil) // to phone
	s := pipeline.Settlement{
		Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid.1", WrittenAs: pipeline.NewPrivate(written), At: t.now,
	}
	t.receive(pipeline.Receipt{Attempt: t.attempt.ID, State: pipeline.Delivered, Address: pipeline.NewPrivate(written), At: t.now.Add(time.Second)})
	t.settle(s)
	t.settle(s)
	t.wantThread(t.hear(from(written, "r1", "wamid.1"), pipeline.Heard{}), "quote", &n)
}
