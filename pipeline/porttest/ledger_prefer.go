package porttest

import (
	"slices"
	"time"

	"fhirbridge/pipeline"
)

// preferTests are about what the owner of a number says of it, beside STOP and START.
var preferTests = map[string]func(*ledgerTest){
	"the language that was chosen last":                preferLanguage,
	"a language is that of all forms of a number":      preferForms,
	"whose number it is not":                           disown,
	"who has disowned a patient has no thread of them": disownThread,
	"what a person said before the number was known":   preferUser,
	"a message aside is no question":                   preferAside,
}

// wishes hears a reply from a number, that many seconds after t.now, which leads to an outcome.
func (t *ledgerTest) wishes(id, from string, after int, o pipeline.Outcome) pipeline.Thread {
	t.Helper()
	r := reply(id, "")
	r.From, r.At = pipeline.NewPrivate(from), t.now.Add(time.Duration(after)*time.Second)
	return t.hear(r, pipeline.Heard{Outcome: o})
}

func (t *ledgerTest) disowned(number, patient string) bool {
	t.Helper()
	is, err := t.l.Disowned(t.Context(), pipeline.NewPrivate(number), patient)
	if err != nil {
		t.Fatal(err)
	}
	return is
}

func preferLanguage(t *ledgerTest) {
	wantEqual(t, "before", t.wishes("r1", phone, 0, pipeline.Outcome{}).Chosen, "")
	t.wishes("r2", phone, 1, pipeline.Outcome{Language: "uk"})
	wantEqual(t, "chosen", t.sender(phone).Language, "uk")
	wantEqual(t, "another number", t.sender(otherPhone).Language, "")
	t.wishes("r3", phone, 3, pipeline.Outcome{Language: "de"})
	n := note("1", "chosen", t.now)
	t.wishes("r4", phone, 2, pipeline.Outcome{Language: "tr", Say: []pipeline.Notification{n}}) // an older one that comes late
	wantEqual(t, "chosen last", t.sender(phone).Language, "de")
	wantEqual(t, "said to the older one", len(t.due(t.now.Add(time.Minute), 10)), 0)
	stop := true
	t.wishes("r5", phone, 4, pipeline.Outcome{Stop: &stop})
	wantEqual(t, "after STOP", t.sender(phone).Language, "de")
	wantEqual(t, "the thread knows it", t.wishes("r6", phone, 5, pipeline.Outcome{}).Chosen, "de")
}

func preferForms(t *ledgerTest) {
	t.sentAs("1", phone, otherPhone)
	t.wishes("r1", otherPhone, 0, pipeline.Outcome{Language: "ar", Disowns: []string{"Patient/1"}})
	wantEqual(t, "as it is dialled", t.sender(phone).Language, "ar")
	wantEqual(t, "disowned as it is dialled", t.disowned(phone, "Patient/1"), true)
	wantEqual(t, "it is known for that", t.sender(phone).Disowns, true)
}

func disown(t *ledgerTest) {
	wantEqual(t, "before", t.disowned(phone, "Patient/1"), false)
	wantEqual(t, "no number", t.disowned("", "Patient/1"), false)
	for i := range 2 { // the second time changes nothing
		t.wishes("r"+keyed(i), phone, i, pipeline.Outcome{Disowns: []string{"Patient/1", "Patient/2"}})
	}
	wantEqual(t, "the patient", t.disowned(phone, "Patient/1"), true)
	wantEqual(t, "the other patient", t.disowned(phone, "Patient/2"), true)
	wantEqual(t, "somebody else", t.disowned(phone, "Patient/3"), false)
	wantEqual(t, "another number", t.disowned(otherPhone, "Patient/1"), false)
	wantEqual(t, "it is not stopped", t.sender(phone).Stopped, false)
}

func disownThread(t *ledgerTest) {
	t.sent("1", phone)
	other := t.sent("2", phone)
	t.wishes("r1", phone, 1, pipeline.Outcome{Disowns: []string{"Patient/1"}})
	thread := t.wishes("r2", phone, 2, pipeline.Outcome{})
	if !slices.Equal(thread.Patients, []string{"Patient/2"}) {
		t.Errorf("patients: got %v, want the other one", thread.Patients)
	}
	t.wantThread(thread, "only", &other)
	wantEqual(t, "the thread knows of it", thread.Disowns, true)
	t.wantThread(t.hear(reply("r3", "wamid.1"), pipeline.Heard{}), "none", nil)
}

func preferUser(t *ledgerTest) {
	nameless := func(id string) pipeline.Reply {
		r := reply(id, "")
		r.From, r.UserID = pipeline.Private{}, "US.1"
		return r
	}
	t.hear(nameless("r1"), pipeline.Heard{Outcome: pipeline.Outcome{Language: "pl", Disowns: []string{"Patient/1"}}})
	wantEqual(t, "of a person without a number", t.hear(nameless("r2"), pipeline.Heard{}).Chosen, "pl")
	known := reply("r3", "")
	known.UserID = "US.1"
	t.hear(known, pipeline.Heard{})
	wantEqual(t, "of the number", t.sender(phone).Language, "pl")
	wantEqual(t, "disowned", t.disowned(phone, "Patient/1"), true)
}

func preferAside(t *ledgerTest) {
	about := t.sent("1", phone)
	aside := note("", "languages", t.now)
	aside.Subject, aside.Patient, aside.Recipient, aside.Aside = "", "Patient/1", "Patient/1", true
	aside.Sole = true
	t.wishes("r1", phone, 0, pipeline.Outcome{Say: []pipeline.Notification{aside}})
	due := t.lease(aside.Key)
	wantEqual(t, "all that comes of the reply", due.Sole, true)
	a := t.try(due)
	t.beginAs(a)
	t.settle(pipeline.Settlement{Key: aside.Key, Attempt: a.ID, State: pipeline.Accepted, MessageID: "wamid.aside"})
	t.wantThread(t.hear(reply("r2", ""), pipeline.Heard{}), "only", &about)
	tapped := reply("r3", "")
	tapped.Payload = pipeline.Token(a.ID, 2)
	t.wantThread(t.hear(tapped, pipeline.Heard{}), "token", &aside)
}
