package journey_test

import (
	"reflect"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

const shown = "2027-03-09T13:30:00Z" // march9

func understand(t testing.TB, b *journey.Book, r pipeline.Reply, th pipeline.Thread) pipeline.Outcome {
	t.Helper()
	if r.Kind == "" {
		r.Kind = "text"
	}
	if th.Now.IsZero() {
		th.Now = moment(t, before)
	}
	r.ID, r.At = "wamid.1", th.Now.Add(-time.Second)
	o, err := b.Understand(r, th)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func text(words string) pipeline.Reply { return pipeline.Reply{Text: pipeline.NewPrivate(words)} }

// about is a thread that is about the booking of a visit; action is what was tapped, "" for words.
func about(t testing.TB, b *journey.Book, v fhir.Resource, action string) pipeline.Thread {
	t.Helper()
	th := pipeline.Thread{
		How: "only", Subject: v, SubjectVersion: "1", Language: "de", Patients: []string{"Patient/1"},
		Sent: &pipeline.SentMessage{
			Action:       action,
			Attempt:      pipeline.Attempt{Shown: shown, SubjectVersion: "1", Actions: []string{"confirm", "cancel"}},
			Notification: news(t, b, visit(t, "booked", march9), "booked"),
		},
	}
	if action != "" {
		th.How = "token"
	}
	return th
}

func TestUnderstandADecision(t *testing.T) {
	book, v := shipped(t), visit(t, "booked", march9, patients("tentative", "1"))
	th := about(t, book, v, "confirm")
	th.SubjectVersion = "5" // a newer version with the same start is not stale
	th.Known.Open = decide(t, book, pipeline.Change{Previous: v, Current: v, Now: moment(t, before)})
	o := understand(t, book, pipeline.Reply{Kind: "button"}, th)

	if o.Reading != "confirm" || o.Handoff != "" || o.Stop != nil {
		t.Fatalf("got %+v", o)
	}
	at := moment(t, before).Add(-time.Second)
	if got, want := *o.Answer, (pipeline.Answer{Subject: "Appointment/1", Patient: "Patient/1", Action: "confirm", Occasion: shown, Was: "tentative", At: at}); got != want {
		t.Errorf("answer: got %+v, want %+v", got, want)
	}
	want := pipeline.Decision{
		Appointment: "Appointment/1", Patient: "Patient/1", Status: "accepted", Until: v.Start(), Start: v.Start(), Was: "tentative", Reply: "wamid.1", At: at,
	}
	if !reflect.DeepEqual(*o.Decision, want) {
		t.Errorf("decision: got %+v, want %+v", *o.Decision, want)
	}
	if o.Plan == nil {
		t.Fatal("no plan")
	}
	same(t, "plan", steps(o.Plan.Wanted), []string{"reminder_1d_confirmed"})
	if len(o.Say) != 1 {
		t.Fatalf("say: got %v", o.Say)
	}
	n := o.Say[0]
	if n.Step != "answer:confirm" || n.ReplyTo != "wamid.1" || !n.Due.Equal(moment(t, before)) ||
		!n.Expires.Equal(at.Add(24*time.Hour)) || n.Priority != pipeline.PriorityReply ||
		n.Key != pipeline.NotificationKey("appointment", "answer:confirm", "Appointment/1", "wamid.1", "Patient/1") {
		t.Errorf("say: got %+v", n)
	}
	f := pipeline.Facts{Subject: v, Patient: patient(t, "Erika", "en"), Window: true, Known: pipeline.Known{Answers: []pipeline.Answer{*o.Answer}}}
	said := compose(t, book, n, f)
	if said.Message.Language != "de" || said.Message.Template != nil || said.Message.Text.Empty() {
		t.Errorf("said: got %q, %v", said.Message.Language, said.Skip)
	}
	f.Subject = visit(t, "booked", march11)
	if said := compose(t, book, n, f); said.Skip != pipeline.ReasonSuperseded {
		t.Errorf("moved before it was said: got %q", said.Skip)
	}
	f.Subject, f.Window = v, false
	if said := compose(t, book, n, f); said.Skip != pipeline.ReasonExpired {
		t.Errorf("after the window: got %q", said.Skip)
	}
}

func TestUnderstand(t *testing.T) {
	book := shipped(t)
	booked := visit(t, "booked", march9)
	both := func(th *pipeline.Thread) { several(th, visit(t, "booked", march9, patients("needs-action", "1", "2"))) }
	ready := pipeline.SentMessage{Notification: pipeline.Notification{Journey: "report", Step: "ready", Subject: "DiagnosticReport/9", Patient: "Patient/1"}}
	cases := []struct {
		name    string
		reply   pipeline.Reply
		thread  func(*pipeline.Thread)
		reading string
		decides string
		hands   string
		says    string
	}{
		{name: "yes", reply: text("Ja"), reading: "confirm", decides: "accepted", says: "answer:confirm"},
		{name: "no", reply: text("nein."), reading: "cancel", says: "answer:cancel"},
		{name: "another time", reply: text("Anderer Termin"), reading: "change", decides: "tentative", hands: "change", says: "answer:change"},
		{name: "a sentence", reply: text("Ja, aber kann ich später kommen?"), reading: "text", hands: "patient_message", says: "answer:text"},
		{name: "nothing", reply: text(""), reading: "text", hands: "patient_message", says: "answer:text"},
		{name: "the title of a button", reply: pipeline.Reply{Kind: "button", Text: pipeline.NewPrivate("Verschieben")}, reading: "change", decides: "tentative", hands: "change", says: "answer:change"},
		{name: "a photo", reply: pipeline.Reply{Kind: "image", Text: pipeline.NewPrivate("ja")}, reading: "image", hands: "patient_message", says: "answer:text"},
		{name: "a reaction", reply: pipeline.Reply{Kind: "reaction", Text: pipeline.NewPrivate("👍")}, reading: "reaction"},
		{name: "a sticker", reply: pipeline.Reply{Kind: "sticker"}, reading: "sticker"},
		{name: "unsupported", reply: pipeline.Reply{Kind: "unsupported"}, reading: "unsupported"},
		{name: "a new number", reply: pipeline.Reply{Kind: "system"}, reading: "system"},
		{name: "a kind of the future", reply: pipeline.Reply{Kind: "hologram"}, reading: "other", hands: "patient_message", says: "answer:text"},
		{name: "a tap on what was moved", reply: pipeline.Reply{Kind: "button"}, thread: func(th *pipeline.Thread) {
			th.Sent.Action, th.Subject = "confirm", visit(t, "booked", march11)
		}, reading: "stale", says: "answer:stale"},
		{name: "a word to what was moved", reply: text("ja"), thread: func(th *pipeline.Thread) { th.Subject = visit(t, "booked", march11) }, reading: "stale", says: "answer:stale"},
		{name: "to what was moved, while the news of it wait", reply: text("ja"), thread: func(th *pipeline.Thread) {
			v := visit(t, "booked", march11)
			th.Subject, th.Known.Open = v, decide(t, book, pipeline.Change{Previous: booked, Current: v, Version: "2", Now: moment(t, before)})
		}, reading: "stale"},
		{name: "to what is not known to have been shown", reply: text("ja"), thread: func(th *pipeline.Thread) { th.Sent.Attempt.Shown, th.SubjectVersion = "", "2" }, reading: "stale", says: "answer:stale"},
		{name: "to what was cancelled", reply: text("ja"), thread: func(th *pipeline.Thread) { th.Subject = visit(t, "cancelled", march9) }, reading: "late", hands: "late_answer", says: "answer:late"},
		{name: "to what is gone", reply: text("ja"), thread: func(th *pipeline.Thread) { th.Subject = nil }, reading: "late", hands: "late_answer", says: "answer:late"},
		{name: "after the visit", reply: text("ja"), thread: func(th *pipeline.Thread) { th.Now = moment(t, march9) }, reading: "late", hands: "late_answer", says: "answer:late"},
		{name: "to a visit without this patient", reply: text("ja"), thread: func(th *pipeline.Thread) { th.Subject = visit(t, "booked", march9, patients("accepted", "2")) }, reading: "late", hands: "late_answer", says: "answer:late"},
		{name: "again", reply: text("ja"), thread: func(th *pipeline.Thread) { th.Known.Answers = answers("confirm", march9) }, reading: "again"},
		{name: "another decision", reply: text("verschieben"), thread: func(th *pipeline.Thread) { th.Known.Answers = answers("confirm", march9) }, reading: "change", decides: "tentative", hands: "change", says: "answer:change"},
		{name: "the same decision on another start", reply: text("ja"), thread: func(th *pipeline.Thread) { th.Known.Answers = answers("confirm", march11) }, reading: "confirm", decides: "accepted", says: "answer:confirm"},
		{name: "an older word that comes after a newer one", reply: text("verschieben"), thread: func(th *pipeline.Thread) {
			th.Known.Answers = answers("confirm", march9)
			th.Known.Answers[0].At = moment(t, before)
		}, reading: "late", hands: "late_answer", says: "answer:late"},
		{name: "an older word than another patient's", reply: text("verschieben"), thread: func(th *pipeline.Thread) {
			th.Known.Answers = of("Patient/2", answers("confirm", march9))
			th.Known.Answers[0].At = moment(t, before)
		}, reading: "change", decides: "tentative", hands: "change", says: "answer:change"},
		{name: "a word that could be about several", reply: text("ja"), thread: both, reading: "unclear", says: "answer:unclear"},
		{name: "a sentence that could be about several", reply: text("Wann ist mein Termin?"), thread: both, reading: "text", hands: "patient_message", says: "answer:text"},
		{name: "a word about nothing", reply: text("ja"), thread: func(th *pipeline.Thread) { th.Sent, th.How, th.Subject = nil, "none", nil }, reading: "text", hands: "patient_message", says: "answer:text"},
		{name: "a word about a report", reply: text("ja"), thread: func(th *pipeline.Thread) { th.Sent, th.Subject = &ready, report(t, "final") }, reading: "text", hands: "patient_message", says: "answer:text"},
		{name: "a tap on a button that no journey has", reply: pipeline.Reply{Kind: "button", Text: pipeline.NewPrivate("Ja")}, thread: func(th *pipeline.Thread) { th.Sent.Action = "reschedule" }, reading: "text", hands: "patient_message", says: "answer:text"},
		{name: "words of somebody who has got no message", reply: text("hello"), thread: func(th *pipeline.Thread) { th.Sent = nil }, reading: "text", hands: "patient_message", says: "answer:text"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			th := about(t, book, booked, "")
			if c.thread != nil {
				c.thread(&th)
			}
			o := understand(t, book, c.reply, th)
			decides := ""
			if o.Decision != nil {
				decides = o.Decision.Status
			}
			says := ""
			for _, n := range o.Say {
				says += n.Step
				f := pipeline.Facts{Patient: patient(t, "Erika", "de"), Window: true, Known: th.Known}
				if n.Subject != "" {
					f.Subject = th.Subject
				}
				if said := compose(t, book, n, f); said.Skip != "" {
					t.Errorf("%s is not said: %s", n.Step, said.Skip)
				}
			}
			if o.Reading != c.reading || decides != c.decides || o.Handoff != c.hands || says != c.says {
				t.Errorf("got %q, %q, %q, %q, want %q, %q, %q, %q", o.Reading, decides, o.Handoff, says, c.reading, c.decides, c.hands, c.says)
			}
			if (o.Answer == nil) != (c.decides == "") || (o.Plan == nil) != (c.decides == "") {
				t.Errorf("got answer %v, plan %v", o.Answer, o.Plan)
			}
		})
	}
}

// several makes a thread one of two children, who have been told the same.
func several(th *pipeline.Thread, about fhir.Resource) {
	for _, id := range []string{"Patient/1", "Patient/2"} {
		a := pipeline.Antecedent{Sent: *th.Sent, Subject: about, SubjectVersion: th.SubjectVersion}
		a.Sent.Notification.Patient, a.Sent.Notification.Recipient = id, id
		th.Antecedents = append(th.Antecedents, a)
	}
	th.Sent, th.How, th.Subject, th.Patients = nil, "several", nil, []string{"Patient/1", "Patient/2"}
}

func TestUnderstandWords(t *testing.T) {
	book := shipped(t)
	cases := map[string]map[string][]string{
		"confirm": {
			"de": {"ja", "JA!", " Ja. ", "bestätigen", "BESTATIGEN", "1", "１", "👍", "👍🏽", "ok", "yes", "Ja, gerne"},
			"es": {"sí", "Si", "¡SÍ!", "confirmo", "yes", "1"},
			"ar": {"نعم", "نَعَمْ", "نعم.", "نـعـم", "تأكيد", "تاكيد", "١", "yes"},
			"en": {"Yes", "I’ll come", "yes, please"},
		},
		"cancel": {
			"de": {"nein", "Absagen", "2", "no"}, "es": {"no", "No puedo ir"}, "ar": {"لا", "إلغاء", "الغاء", "٢"}, "en": {"I can't come", "cannot come"},
		},
		"stop":  {"de": {"STOP", "stopp", "Stop!", "baja", "إيقاف"}, "en": {"please stop", "Unsubscribe"}},
		"start": {"de": {"START"}, "es": {"alta"}, "ar": {"ابدأ"}},
		"text": {
			"de": {"sí", "oui", "yes but", "11", "nicht ja", "???", "stop it now or I will call the police, I am serious about it"},
			"en": {"ja", "I will stop smoking"},
		},
	}
	for reading, byLanguage := range cases {
		for language, words := range byLanguage {
			for _, word := range words {
				th := about(t, book, visit(t, "booked", march9), "")
				th.Language = language
				if o := understand(t, book, text(word), th); o.Reading != reading {
					t.Errorf("%q in %s: got %q, want %q", word, language, o.Reading, reading)
				}
			}
		}
	}
	th := about(t, book, visit(t, "booked", march9), "")
	th.Lookup = directory(patient(t, "María", "es-MX"))
	if o := understand(t, book, text("sí"), th); o.Reading != "confirm" {
		t.Errorf("the patient's own language: got %q", o.Reading)
	}
}

func TestUnderstandStopAndStart(t *testing.T) {
	book := shipped(t)
	cases := []struct {
		word     string
		stopped  bool
		reading  string
		stop     string
		says     string
		patients []string
	}{
		{word: "stop", reading: "stop", stop: "true", says: "answer:stop"},
		{word: "stop", stopped: true, reading: "stop", stop: "true"},
		{word: "stop", reading: "stop", stop: "true", says: "answer:stop", patients: []string{"Patient/1", "Patient/2"}},
		{word: "start", stopped: true, reading: "start", stop: "false", says: "answer:start"},
		{word: "start", reading: "start", stop: "false", says: "answer:start"},
		{word: "hello", stopped: true, reading: "text"},
	}
	for _, c := range cases {
		o := understand(t, book, text(c.word), pipeline.Thread{How: "none", Stopped: c.stopped, Patients: c.patients})
		stop, says := "", ""
		if o.Stop != nil {
			stop = map[bool]string{true: "true", false: "false"}[*o.Stop]
		}
		for _, n := range o.Say {
			says += n.Step
			if n.Farewell != (c.stop == "true") {
				t.Errorf("%s: got farewell %v", c.word, n.Farewell)
			}
			if n.Patient != "" || n.Subject != "" {
				t.Errorf("%s: is about %q, %q", c.word, n.Patient, n.Subject)
			}
			if said := compose(t, book, n, pipeline.Facts{Window: true}); said.Skip != "" || said.Message.Language != "en" {
				t.Errorf("%s: got %q in %q", c.word, said.Skip, said.Message.Language)
			}
		}
		if o.Reading != c.reading || stop != c.stop || says != c.says {
			t.Errorf("%s, stopped %v: got %q, %q, %q", c.word, c.stopped, o.Reading, stop, says)
		}
	}
	th := about(t, book, visit(t, "booked", march9), "confirm")
	th.Stopped = true
	if o := understand(t, book, pipeline.Reply{Kind: "button"}, th); o.Decision == nil || len(o.Say) > 0 {
		t.Errorf("a decision after STOP counts and is not answered: got %v, %v", o.Decision, o.Say)
	}
}

// A webhook that comes again days later decides, but is not answered.
func TestUnderstandAfterTheWindow(t *testing.T) {
	book := shipped(t)
	now := moment(t, before)
	o, err := book.Understand(
		pipeline.Reply{ID: "wamid.1", Kind: "button", At: now.Add(-25 * time.Hour)},
		func() pipeline.Thread {
			th := about(t, book, visit(t, "booked", march9), "confirm")
			th.Now = now
			return th
		}(),
	)
	if err != nil || o.Decision == nil || len(o.Say) > 0 {
		t.Errorf("got %v, %v, %v", o.Decision, o.Say, err)
	}
}
