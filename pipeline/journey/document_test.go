package journey_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fhirbridge/configs"
	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// number is that of the patient, born the day of birth.
const (
	number = "+15550100123"
	born   = "1980-04-03"
)

// holder is a patient with a number and a date of birth.
func holder(t testing.TB, language string, more ...m) *fhir.Patient {
	t.Helper()
	r := m{
		"resourceType": "Patient", "id": "1", "birthDate": born, "name": []any{m{"given": []any{"Erika"}}},
		"telecom":       []any{m{"system": "phone", "use": "mobile", "value": number}},
		"communication": []any{m{"language": m{"coding": []any{m{"system": "urn:ietf:bcp:47", "code": language}}}}},
	}
	for _, o := range more {
		for key, value := range o {
			if value == nil {
				delete(r, key)
			} else {
				r[key] = value
			}
		}
	}
	return decode[*fhir.Patient](t, r)
}

// pdf is a report as a document; signed is one that a person has signed.
var pdf = m{"presentedForm": []any{
	m{"contentType": "text/html", "url": "Binary/2"}, m{"contentType": "application/pdf; x=1", "language": "en", "url": "Binary/1", "title": "Glioblastoma"},
	m{"contentType": "application/PDF", "language": "de", "url": "Binary/3"},
}}

func signed(t testing.TB, more ...m) *fhir.DiagnosticReport {
	return report(t, "final", append([]m{signers["interpreter"], pdf}, more...)...)
}

// offered is the thread of a patient who has been told of a report and may have it sent.
func offered(t testing.TB, r fhir.Resource) pipeline.Thread {
	t.Helper()
	return pipeline.Thread{
		How: "only", Subject: r, SubjectVersion: "1", Language: "en", Patients: []string{"Patient/1"}, From: pipeline.NewPrivate(number),
		Lookup: directory(holder(t, "en")), Sent: &pipeline.SentMessage{
			Attempt: pipeline.Attempt{SubjectVersion: "1", Actions: []string{"send_here", "portal"}},
			Notification: pipeline.Notification{
				Key: "k", Journey: "report", Step: "ready", Subject: "DiagnosticReport/9", Patient: "Patient/1", Recipient: "Patient/1",
			},
		},
	}
}

// asked is the thread of a patient who has been asked for the date of birth.
func asked(t testing.TB, r fhir.Resource) pipeline.Thread {
	th := offered(t, r)
	th.How, th.Sent.Notification.Step, th.Sent.Attempt.Awaits, th.Sent.Attempt.Actions = "asked", "answer:send_here", true, nil
	return th
}

// heard is an outcome in a line: reading, the step that is said, what people are asked, the try, and what is filed.
func heard(o pipeline.Outcome) string {
	parts := []string{o.Reading}
	for _, n := range o.Say {
		parts = append(parts, n.Step)
	}
	if o.Handoff != "" {
		parts = append(parts, "hands "+o.Handoff)
	}
	if o.Try != nil {
		parts = append(parts, map[bool]string{true: "passed", false: "failed"}[o.Try.Passed])
	}
	if !o.Filed.Empty() {
		parts = append(parts, "filed "+o.Filed.Reveal())
	}
	return strings.Join(parts, ", ")
}

func TestWhoMayHaveAReportSent(t *testing.T) {
	elsewhere := m{"telecom": []any{m{"system": "phone", "value": "+15550100199"}}}
	const notSent, question = "send_here:instead, answer:birth_date:instead, hands ", "send_here, answer:send_here"
	for _, c := range []struct {
		name    string
		subject fhir.Resource
		change  func(*pipeline.Thread)
		want    string
	}{
		{"signed, with a PDF", signed(t), nil, question},
		{"amended, and signed", report(t, "amended", signers["performer"], pdf), nil, question},
		{"signed by nobody, for two days", report(t, "final", m{"issued": "2027-02-01T09:00:00Z"}, pdf), nil, question},
		{"signed by nobody, since an hour", report(t, "final", m{"issued": "2027-03-01T08:00:00Z"}, pdf), nil, notSent + "document_not_sent"},
		{"signed by nobody, since nobody knows", report(t, "final", pdf), nil, notSent + "document_not_sent"},
		{"without a PDF", report(t, "final", signers["interpreter"]), nil, notSent + "document_not_sent"},
		{"with one that is nowhere", signed(t, m{"presentedForm": []any{m{"contentType": "application/pdf"}}}), nil, notSent + "document_not_sent"},
		{"preliminary again", report(t, "preliminary", signers["interpreter"], pdf), nil, notSent + "document_not_sent"},
		{"withdrawn", report(t, "entered-in-error", signers["interpreter"], pdf), nil, notSent + "document_not_sent"},
		{"deleted", nil, nil, notSent + "document_not_sent"},
		{"restricted", signed(t, confidential("R")), nil, notSent + "document_not_sent"},
		{"withheld", signed(t, labels("NOPAT")), nil, notSent + "document_not_sent"},
		{"guarded by its code", signed(t, guards["code"]), nil, notSent + "document_not_sent"},
		{"test data", signed(t, labels("HTEST")), nil, notSent + "document_not_sent"},
		{"of somebody else by now", signed(t, m{"subject": m{"reference": "Patient/2"}}), nil, notSent + "document_not_sent"},
		{"without a date of birth", signed(t), func(th *pipeline.Thread) { th.Lookup = directory(holder(t, "en", m{"birthDate": nil})) }, notSent + "birth_date_missing"},
		{"with a year of birth", signed(t), func(th *pipeline.Thread) { th.Lookup = directory(holder(t, "en", m{"birthDate": "1980"})) }, notSent + "birth_date_missing"},
		{"from another number", signed(t), func(th *pipeline.Thread) { th.From = pipeline.NewPrivate("+15550100199") }, notSent + "other_number"},
		{"from nobody knows where", signed(t), func(th *pipeline.Thread) { th.From = pipeline.Private{} }, notSent + "other_number"},
		{"with another number by now", signed(t), func(th *pipeline.Thread) { th.Lookup = directory(holder(t, "en", elsewhere)) }, notSent + "other_number"},
		{"without a number by now", signed(t), func(th *pipeline.Thread) { th.Lookup = directory(holder(t, "en", m{"telecom": nil})) }, notSent + "other_number"},
		{"of whom nothing is known", signed(t), func(th *pipeline.Thread) { th.Lookup = directory() }, notSent + "other_number"},
		{"by a proxy", signed(t), func(th *pipeline.Thread) { th.Sent.Notification.Recipient = "RelatedPerson/1" }, notSent + "other_number"},
		{"wrong too often about it", signed(t), func(th *pipeline.Thread) { th.Tries = pipeline.Tries{Subject: 3} }, "send_here:locked, answer:birth_date:locked"},
		{"wrong too often today", signed(t), func(th *pipeline.Thread) { th.Tries = pipeline.Tries{Lately: 6} }, "send_here:locked, answer:birth_date:locked"},
		{"wrong sometimes", signed(t), func(th *pipeline.Thread) { th.Tries = pipeline.Tries{Subject: 2, Lately: 5} }, question},
	} {
		t.Run(c.name, func(t *testing.T) {
			th := offered(t, c.subject)
			th.How, th.Sent.Action = "token", "send_here"
			if c.change != nil {
				c.change(&th)
			}
			if got := heard(understand(t, shipped(t), pipeline.Reply{Kind: "button"}, th)); got != c.want {
				t.Errorf("tapped: got %q, want %q", got, c.want)
			}
			// The same holds when the date of birth comes.
			th.How, th.Sent.Notification.Step, th.Sent.Action = "asked", "answer:send_here", ""
			want := strings.Replace(c.want, "send_here:", "birth_date:", 1) + ", filed [date of birth]"
			if c.want == question {
				want = "birth_date, answer:birth_date:document, passed, filed [date of birth]"
			}
			if got := heard(understand(t, shipped(t), text("3 April 1980"), th)); got != want {
				t.Errorf("answered: got %q, want %q", got, want)
			}
		})
	}
}

func TestAnswersToWhoSomebodyIs(t *testing.T) {
	book := shipped(t)
	for _, c := range []struct {
		name, words string
		tries       pipeline.Tries
		want        string
	}{
		{"right", "3.4.1980", pipeline.Tries{}, "birth_date, answer:birth_date:document, passed, filed [date of birth]"},
		{"right at last", "3.4.1980", pipeline.Tries{Subject: 2, Lately: 2}, "birth_date, answer:birth_date:document, passed, filed [date of birth]"},
		{"wrong", "4.4.1980", pipeline.Tries{}, "birth_date:wrong, answer:birth_date:wrong, failed, filed [date of birth]"},
		{"wrong again", "4.4.1980", pipeline.Tries{Subject: 1, Lately: 1}, "birth_date:wrong, answer:birth_date:wrong, failed, filed [date of birth]"},
		{"wrong a third time", "4.4.1980", pipeline.Tries{Subject: 2, Lately: 2}, "birth_date:locked, answer:birth_date:locked, hands birth_date_locked, failed, filed [date of birth]"},
		{"wrong a sixth time today", "4.4.1980", pipeline.Tries{Subject: 0, Lately: 5}, "birth_date:locked, answer:birth_date:locked, hands birth_date_locked, failed, filed [date of birth]"},
		{"right, too late", "3.4.1980", pipeline.Tries{Subject: 3, Lately: 3}, "birth_date:locked, answer:birth_date:locked, filed [date of birth]"},
		{"month and day the other way round", "4.3.1980", pipeline.Tries{}, "birth_date:wrong, answer:birth_date:wrong, failed, filed [date of birth]"},
		{"no date", "1980", pipeline.Tries{Subject: 2}, "birth_date:unclear, answer:birth_date:unclear, filed [number]"},
		{"words", "why do you ask?", pipeline.Tries{}, "text, answer:text, hands patient_message"},
		{"words with numbers", "why do you ask me that, after 20 years?", pipeline.Tries{}, "text, answer:text, hands patient_message, filed why do you ask me that, after [number] years?"},
		{"STOP", "stop", pipeline.Tries{}, "stop, answer:stop"},
		{"the wish again", "send here", pipeline.Tries{}, "text, answer:text, hands patient_message"},
	} {
		for _, step := range []string{"answer:send_here", "answer:birth_date:wrong", "answer:birth_date:unclear"} {
			th := asked(t, signed(t))
			th.Sent.Notification.Step, th.Tries = step, c.tries
			if got := heard(understand(t, book, text(c.words), th)); got != c.want {
				t.Errorf("%s, after %s: got %q, want %q", c.name, step, got, c.want)
			}
		}
	}
	// What asks for nothing takes no answer, also if it is quoted.
	for _, step := range []string{"ready", "answer:birth_date:document", "answer:birth_date:locked", "answer:birth_date:instead", "answer:portal"} {
		th := asked(t, signed(t))
		th.How, th.Sent.Notification.Step = "quote", step
		if got, want := heard(understand(t, book, text("3.4.1980"), th)), "text, answer:text, hands patient_message, filed [date of birth]"; got != want {
			t.Errorf("after %s: got %q, want %q", step, got, want)
		}
	}
}

func TestADocumentIsSentOnce(t *testing.T) {
	th := asked(t, signed(t))
	th.Sent.Attempt.Begun = moment(t, before)
	th.Tries.Passed = th.Sent.Attempt.Begun.Add(time.Second)
	for _, words := range []string{"3 April 1980", "4 April 1980"} {
		if got, want := heard(understand(t, shipped(t), text(words), th)), "again, filed [date of birth]"; got != want {
			t.Errorf("answered twice: got %q, want %q", got, want)
		}
	}
	th.Tries.Passed = th.Sent.Attempt.Begun.Add(-time.Second)
	if got := heard(understand(t, shipped(t), text("3 April 1980"), th)); !strings.Contains(got, "passed") {
		t.Errorf("asked again: got %q", got)
	}
}

// TestABirthDateIsNeverFiled: also unasked, late, or by somebody whose phone is a family's.
func TestABirthDateIsNeverFiled(t *testing.T) {
	book := shipped(t)
	th := pipeline.Thread{How: "none", Language: "en", Patients: []string{"Patient/2", "Patient/1"}, Lookup: directory(holder(t, "en"))}
	for words, want := range map[string]string{
		"3 April 1980, and I have chest pain": "[date of birth], and I have chest pain",
		"It is 3 April 1980.":                 "It is [date of birth].", "3/4/1980": "[date of birth]", "4/4/1980": "", "see you on 3 May 2027": "", "hello": "",
	} {
		if got := understand(t, book, text(words), th).Filed.Reveal(); got != want {
			t.Errorf("%q is filed as %q, want %q", words, got, want)
		}
	}
}

// An alarm in the answer to the question who somebody is is one, and the date in it is not filed either.
func TestAnAlarmWithABirthDate(t *testing.T) {
	th := asked(t, signed(t))
	o := understand(t, shipped(t), text("3.4.1980 help, chest pain"), th)
	if o.Reading != "emergency" || o.Handoff == "" || len(o.Say) != 1 || o.Filed.Reveal() != "[date of birth] help, chest pain" {
		t.Errorf("got %s", heard(o))
	}
}

func TestTheDocument(t *testing.T) {
	book, th := shipped(t), asked(t, signed(t))
	th.Language = "de"
	o := understand(t, book, text("3.4.1980"), th)
	if len(o.Say) != 1 || o.Say[0].Resend {
		t.Fatal("want one message, that is not sent again in doubt")
	}
	facts := pipeline.Facts{Subject: signed(t), Patient: holder(t, "en"), Window: true, Lookup: directory()}
	c := compose(t, book, o.Say[0], facts)
	if c.Attach == nil || c.Attach.Form == nil || c.Attach.Why != "" || c.Attach.Form.URL != "Binary/3" {
		t.Fatal("want the PDF in the language of the conversation")
	}
	d := c.Message.Document
	if d == nil || d.Filename != "ergebnisse.pdf" || !strings.Contains(d.Caption.Reveal(), "das gewünschte Dokument") || !c.Message.Text.Empty() {
		t.Errorf("got %+v", d)
	}
	if seen := c.Message.Seen.Reveal(); !strings.HasSuffix(seen, "\n\n[ergebnisse.pdf]") || strings.Contains(seen, "Glioblastoma") {
		t.Errorf("filed as %q", seen)
	}
	if len(c.Attach.Instead) != 1 || c.Attach.Instead[0].Key == o.Say[0].Key || c.Attach.Instead[0].Step != "answer:birth_date:instead" || c.Awaits {
		t.Error("want words to be said instead, under a key of their own")
	}
	facts.Subject = nil
	if c = compose(t, book, o.Say[0], facts); c.Attach == nil || c.Attach.Form != nil || c.Attach.Why != pipeline.ReasonNotReleased {
		t.Error("a report that is gone is still to be sent")
	}
	if said := compose(t, book, c.Attach.Instead[0], facts); said.Skip != "" || !strings.Contains(said.Message.Seen.Reveal(), "rufen Sie uns an") {
		t.Errorf("said instead: %q %q", said.Skip, said.Message.Seen.Reveal())
	}
}

// Who acts for a patient is never sent the document, and is not offered it.
func TestAProxyIsNotOfferedTheDocument(t *testing.T) {
	book, r := shipped(t), signed(t)
	n := news(t, book, r, "ready")
	for offers, proxy := range map[bool]*fhir.RelatedPerson{true: nil, false: mother(t, "Ana", "")} {
		c := compose(t, book, n, pipeline.Facts{Subject: r, Patient: holder(t, "en"), Proxy: proxy, Lookup: directory()})
		if c.Skip != "" || slices.Contains(c.Actions, "send_here") != offers {
			t.Errorf("offered: %v, want %v (%s)", c.Actions, offers, c.Skip)
		}
	}
}

// TestDocumentsAreOffAsTheyCome: without a word in the configuration nothing is offered, and an old button sends nothing.
func TestDocumentsAreOffAsTheyCome(t *testing.T) {
	s := settings(t)
	s.Documents, s.Portal = journey.Documents{}, ""
	book, problems := journey.Load(configs.Journeys(), configs.Templates(), s)
	for _, p := range problems {
		t.Fatal(p)
	}
	now := moment(t, before)
	list := decide(t, book, pipeline.Change{Current: signed(t), Version: "1", Now: now})
	if len(list) != 1 {
		t.Fatalf("planned %d", len(list))
	}
	if c := compose(t, book, list[0], pipeline.Facts{Subject: signed(t), Patient: holder(t, "en")}); c.Message.Template.Name != "report_ready" || len(c.Actions) != 0 {
		t.Errorf("said %s with %d buttons", c.Message.Template.Name, len(c.Actions))
	}
	th := offered(t, signed(t))
	th.How, th.Sent.Action = "token", "send_here"
	if got, want := heard(understand(t, book, pipeline.Reply{Kind: "button"}, th)), "send_here:instead, answer:birth_date:instead, hands document_not_sent"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	on := compose(t, shipped(t), list[0], pipeline.Facts{Subject: signed(t), Patient: holder(t, "en"), Now: now.Add(time.Minute)})
	if on.Message.Template.Name != "report_ready_here" || len(on.Actions) != 2 {
		t.Errorf("where they are on: said %s with %d buttons", on.Message.Template.Name, len(on.Actions))
	}
}
