package journey_test

import (
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// asking is a journey that asks before it does what is not to be undone, and that has several things to say.
const asking = `
journey: visit
on: Appointment
steps:
  - {name: booked, when: became booked, send: news, expires: start}
  - {name: place, when: changed place, send: news, expires: start}
  - {name: clinician, when: changed clinician, send: news, task: tell_clinician, expires: start}
  - {name: cancelled, when: became cancelled, send: news, expires: start}
  - {name: refused, when: became cancelled and not scheduled, send: news, expires: +1d}
answers:
  confirm: {do: accept, reply: ok, words: {en: [ok, "yes"]}}
  change: {do: change, reply: ok, words: {en: [change]}}
  cancel:
    do: ask
    reply: sure
    words: {en: [cancel]}
    then:
      leave: {do: cancel, reply: {done: ok, asked: ok}, words: {en: ["yes"]}}
      stay: {do: note, reply: ok, words: {en: ["no"]}}
`

// A word that says yes is not taken for a decision when it may be thanks for another one.
func TestAYesThatMayBeThanks(t *testing.T) {
	book := with(t, "journeys/visit.yaml", asking,
		"templates/news.yaml", "template: news\nkind: template\ncategory: utility\nbuttons: [confirm]\nlanguages: {en: {body: Something is new., buttons: [Fine]}}",
		"templates/ok.yaml", "template: ok\nkind: session\nlanguages: {en: {body: All right.}}",
		"templates/sure.yaml", "template: sure\nkind: session\nbuttons: [leave, stay]\nlanguages: {en: {body: Are you sure?, buttons: [Leave, Stay]}}")
	main, v, sent := shipped(t), visit(t, "booked", march9), moment(t, before)
	cases := []struct {
		name, step, word, how, decided string
		before                         bool // the decision came before the message
		reading                        string
	}{
		{name: "yes to news", step: "booked", word: "ok", reading: "confirm"},
		{name: "yes to the question", step: "answer:cancel", word: "yes", reading: "leave"},
		{name: "no to the question", step: "answer:cancel", word: "no", reading: "stay"},
		{name: "ok after another time was asked for", step: "booked", word: "ok", decided: "change", reading: "text"},
		{name: "ok after it was cancelled", step: "booked", word: "ok", decided: "leave", reading: "text"},
		{name: "ok to newer news", step: "booked", word: "ok", decided: "change", before: true, reading: "confirm"},
		{name: "ok to the very message", step: "booked", word: "ok", how: "quote", decided: "change", reading: "confirm"},
		{name: "ok after it was confirmed", step: "booked", word: "ok", decided: "confirm", reading: "again"},
		{name: "yes to a question that was answered otherwise", step: "answer:cancel", word: "yes", decided: "confirm", reading: "text"},
		{name: "yes once more", step: "answer:cancel", word: "yes", decided: "leave", reading: "again"},
		{name: "another time after all", step: "booked", word: "change", decided: "confirm", reading: "change"},
		{name: "a question is no decision", step: "booked", word: "cancel", decided: "confirm", reading: "cancel"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			th := about(t, main, v, "")
			th.Language, th.Now = "en", sent.Add(time.Hour)
			th.Sent.Notification.Journey, th.Sent.Notification.Step, th.Sent.Attempt.Begun = "visit", c.step, sent
			if c.how != "" {
				th.How = c.how
			}
			if c.decided != "" {
				th.Known.Answers = answers(c.decided, march9)
				th.Known.Answers[0].At = sent.Add(time.Minute)
				if c.before {
					th.Known.Answers[0].At = sent.Add(-time.Minute)
				}
			}
			if o := understand(t, book, text(c.word), th); o.Reading != c.reading {
				t.Errorf("got %q, want %q", o.Reading, c.reading)
			}
		})
	}
}

// One change is one message, also when it is news in several ways; what people are asked to do is asked all the same.
func TestOneChangeIsOneMessage(t *testing.T) {
	book := with(t, "journeys/visit.yaml", asking,
		"templates/news.yaml", "template: news\nkind: template\ncategory: utility\nlanguages: {en: {body: Something is new.}}",
		"templates/ok.yaml", "template: ok\nkind: session\nlanguages: {en: {body: All right.}}",
		"templates/sure.yaml", "template: sure\nkind: session\nlanguages: {en: {body: Are you sure?}}")
	by := func(place, clinician string) fhir.Resource {
		return visit(t, "booked", march9, m{"participant": []any{
			m{"actor": m{"reference": "Patient/1"}, "status": "needs-action"},
			m{"actor": m{"reference": place}, "status": "accepted"},
			m{"actor": m{"reference": clinician}, "status": "accepted"},
		}})
	}
	first := by("Location/1", "Practitioner/1")
	cases := []struct {
		name              string
		previous, current fhir.Resource
		want, tasks       []string
	}{
		{name: "another place", previous: first, current: by("Location/2", "Practitioner/1"), want: []string{"place"}},
		{name: "another clinician", previous: first, current: by("Location/1", "Practitioner/2"), want: []string{"clinician"}, tasks: []string{"tell_clinician"}},
		{name: "both", previous: first, current: by("Location/2", "Practitioner/2"), want: []string{"place"}, tasks: []string{"tell_clinician"}},
		{name: "cancelled", previous: first, current: visit(t, "cancelled", march9), want: []string{"cancelled"}},
		{name: "a request without a time is cancelled", previous: visit(t, "proposed", ""), current: visit(t, "cancelled", ""), want: []string{"refused"}},
		{name: "a visit is cancelled, and its time is gone", previous: first, current: visit(t, "cancelled", ""), want: []string{"cancelled"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			plan, err := book.Decide(pipeline.Change{
				Previous: c.previous, Current: c.current, Version: "2", Now: moment(t, before), Lookup: directory(),
			})
			if err != nil {
				t.Fatal(err)
			}
			var tasks []string
			for _, e := range plan.Errands {
				tasks = append(tasks, e.Code)
			}
			same(t, "said", steps(plan.Wanted), c.want)
			same(t, "asked of people", tasks, c.tasks)
		})
	}
}

// Yes is to come, and within the question whether to cancel it is to cancel, in every language.
func TestYesAndNoWithinTheQuestion(t *testing.T) {
	book := shipped(t)
	cases := []struct{ language, yes, no, fine, cancel, change, rebook, sure, keep string }{
		{"en", "Yes", "No", "OK", "cancel", "reschedule", "new appointment", "Yes, cancel", "No, keep it"},
		{"de", "Ja", "Nein", "okay", "absagen", "Verschieben", "neuer Termin", "Ja, absagen", "Nein, behalten"},
		{"es", "Sí", "No", "vale", "anular", "otra fecha", "nueva cita", "Sí, cancelar", "No, mantener"},
		{"fr", "Oui", "Non", "d’accord", "annuler", "reporter", "nouveau rendez-vous", "Oui, annuler", "Non, garder"},
		{"it", "Sì", "No", "va bene", "annulla", "spostare", "nuovo appuntamento", "Sì, annulla", "No, mantieni"},
		{"pl", "Tak", "Nie", "dobrze", "odwołuję", "inny termin", "nowa wizyta", "Tak, odwołuję", "Nie, zostaje"},
		{"pt", "Sim", "Não", "está bem", "cancelar", "remarcar", "nova consulta", "Sim, cancelar", "Não, manter"},
		{"pt_BR", "sim", "não", "beleza", "desmarcar", "trocar o horário", "novo agendamento", "Sim, cancelar", "Não, manter"},
		{"tr", "Evet", "Hayır", "tamam", "iptal et", "ertele", "yeni randevu", "Evet, iptal et", "Hayır, kalsın"},
		{"uk", "Так", "Ні", "гаразд", "скасувати", "перенести", "новий прийом", "Так, скасувати", "Ні, залишити"},
		{"ar", "نعم", "لا", "حسنًا", "إلغاء", "تأجيل", "موعد جديد", "نعم، إلغاء", "لا، إبقاء"},
	}
	for _, c := range cases {
		outside, inside := about(t, book, visit(t, "booked", march9), ""), about(t, book, visit(t, "booked", march9), "")
		inside.Sent.Notification.Step = "answer:cancel"
		for _, w := range []struct{ word, outside, inside string }{
			{c.yes, "confirm", "cancel_yes"}, {c.fine, "confirm", "cancel_yes"}, {"👍", "confirm", "cancel_yes"}, {"1", "confirm", "cancel_yes"},
			{c.no, "cancel", "cancel_no"}, {"👎", "cancel", "cancel_no"}, {"2", "cancel", "cancel_no"},
			{c.cancel, "cancel", "cancel_yes"}, {c.change, "change", "change"}, {c.rebook, "rebook", "rebook"},
			{c.sure, "text", "cancel_yes"}, {c.keep, "text", "cancel_no"},
		} {
			if got := reads(t, book, outside, c.language, w.word); got != w.outside {
				t.Errorf("%q in %s: got %q, want %q", w.word, c.language, got, w.outside)
			}
			if got := reads(t, book, inside, c.language, w.word); got != w.inside {
				t.Errorf("%q within the question in %s: got %q, want %q", w.word, c.language, got, w.inside)
			}
		}
	}
}
