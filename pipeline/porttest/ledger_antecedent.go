package porttest

import (
	"slices"
	"time"

	"fhirbridge/pipeline"
)

// What a reply may be about of which nothing but its time says so.
var antecedentTests = map[string]func(*ledgerTest){
	"the newest of each journey, subject and patient":   antecedentsOfEach,
	"two patients of one subject are not guessed about": antecedentsOfTwo,
	"a token and a quote leave no choice":               antecedentsNone,
	"a row of a list may stand for one":                 antecedentsOfRow,
	"a reply is about the one it was found to be":       antecedentMeant,
	"what was disowned is none":                         antecedentDisowned,
}

// tells sends a message of a journey about a subject and a patient that asks for an answer.
func (t *ledgerTest) tells(journey, step, subject, patient string, after time.Duration) pipeline.Notification {
	t.Helper()
	n := note(subject, step, t.now)
	n.Journey, n.Patient, n.Recipient = journey, patient, patient
	n.Key = pipeline.NotificationKey(journey, step, n.Subject, "1", patient)
	t.version++
	t.apply(version("Appointment", subject, t.version), plan(append(t.said[subject], n)...))
	if t.said == nil {
		t.said = map[string][]pipeline.Notification{}
	}
	t.said[subject] = append(t.said[subject], n)
	a := t.try(t.lease(n.Key))
	a.Begun = t.now.Add(after)
	t.beginAs(a)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: a.ID, State: pipeline.Accepted, MessageID: "wamid." + n.Key})
	return n
}

func (t *ledgerTest) wantAntecedents(got pipeline.Thread, want ...pipeline.Notification) {
	t.Helper()
	var keys, wanted []string
	for _, a := range got.Antecedents {
		keys = append(keys, a.Sent.Notification.Key)
		if a.Subject == nil || a.Subject.Header().Ref() != a.Sent.Notification.Subject || a.SubjectVersion == "" || !a.Known.ToldOf(a.Sent.Notification.Patient) {
			t.Errorf("it is not known what %s is about", a.Sent.Notification.Key)
		}
	}
	for _, n := range want {
		wanted = append(wanted, n.Key)
	}
	if !slices.Equal(keys, wanted) {
		t.Errorf("antecedents: got %v, want %v", keys, wanted)
	}
}

func antecedentsOfEach(t *ledgerTest) {
	t.tells("appointment", "booked", "1", "Patient/1", -5*time.Minute)
	prepare := t.tells("preparation", "instructed", "1", "Patient/1", -4*time.Minute)
	reminder := t.tells("appointment", "reminder", "1", "Patient/1", -3*time.Minute)
	thread := t.hear(reply("r1", ""), pipeline.Heard{})
	t.wantThread(thread, "only", &reminder)
	t.wantAntecedents(thread, reminder, prepare)
	other := t.tells("appointment", "booked", "2", "Patient/1", -2*time.Minute)
	thread = t.hear(reply("r2", ""), pipeline.Heard{})
	t.wantThread(thread, "several", nil)
	t.wantAntecedents(thread, other, reminder, prepare)
	r := reply("r3", "")
	r.At = t.now.Add(-150 * time.Second) // before the last was sent
	t.wantAntecedents(t.hear(r, pipeline.Heard{}), reminder, prepare)
}

func antecedentsOfTwo(t *ledgerTest) {
	one := t.tells("appointment", "booked", "1", "Patient/1", -3*time.Minute)
	two := t.tells("appointment", "booked", "1", "Patient/2", -2*time.Minute)
	thread := t.hear(reply("r1", ""), pipeline.Heard{})
	t.wantThread(thread, "several", nil)
	t.wantAntecedents(thread, two, one)
}

func antecedentsNone(t *ledgerTest) {
	n := t.tells("appointment", "booked", "1", "Patient/1", -3*time.Minute)
	tap := reply("r1", "")
	tap.Payload = pipeline.Token(t.attempt.ID, 1)
	t.tells("appointment", "booked", "2", "Patient/1", -2*time.Minute)
	for _, r := range []pipeline.Reply{tap, reply("r2", "wamid."+n.Key)} {
		if thread := t.hear(r, pipeline.Heard{}); len(thread.Antecedents) > 0 || thread.Sent == nil || thread.Sent.Notification.Key != n.Key {
			t.Errorf("%s: %d antecedents, want the message alone", thread.How, len(thread.Antecedents))
		}
	}
}

func antecedentsOfRow(t *ledgerTest) {
	one := t.tells("appointment", "booked", "1", "Patient/1", -3*time.Minute)
	two := t.tells("appointment", "booked", "2", "Patient/2", -2*time.Minute)
	list := note("", "unclear", t.now)
	list.Subject, list.Patient, list.Recipient, list.ReplyTo = "", "", "", "r1"
	t.hear(reply("r1", ""), pipeline.Heard{Outcome: pipeline.Outcome{Say: []pipeline.Notification{list}}})
	a := t.try(t.lease(list.Key))
	a.Choices = []string{"one", "two"}
	t.beginAs(a)
	tap := reply("r2", "")
	tap.Kind, tap.Payload = "list", pipeline.Token(a.ID, 2)
	thread := t.hear(tap, pipeline.Heard{})
	t.wantThread(thread, "token", &list)
	wantEqual(t, "choice", thread.Sent.Choice, "two")
	t.wantAntecedents(thread, two, one)
}

func antecedentMeant(t *ledgerTest) {
	one := t.tells("appointment", "booked", "1", "Patient/1", -3*time.Minute)
	t.tells("appointment", "booked", "2", "Patient/2", -2*time.Minute)
	goes := note("1", "please confirm", t.now.Add(time.Hour))
	t.version++
	t.apply(version("Appointment", "1", t.version), plan(one, goes))
	answer := &pipeline.Answer{Subject: one.Subject, Patient: one.Patient, Action: "confirm", At: t.now}
	t.hear(reply("r1", ""), pipeline.Heard{Outcome: pipeline.Outcome{Antecedent: 2, Answer: answer, Plan: &pipeline.Plan{}}})
	t.wantState(goes, pipeline.Cancelled, pipeline.ReasonAnswered)
	known, err := t.l.KnownOf(t.Context(), one.Subject)
	if err != nil || known.AnswerOf(one.Patient) == nil {
		t.Errorf("known: got %v, %v; want the answer", known.Answers, err)
	}
}

func antecedentDisowned(t *ledgerTest) {
	t.tells("appointment", "booked", "1", "Patient/1", -3*time.Minute)
	two := t.tells("appointment", "booked", "2", "Patient/2", -2*time.Minute)
	t.wishes("r1", phone, 0, pipeline.Outcome{Disowns: []string{"Patient/1"}})
	thread := t.hear(reply("r2", ""), pipeline.Heard{})
	t.wantThread(thread, "only", &two)
	t.wantAntecedents(thread, two)
}
