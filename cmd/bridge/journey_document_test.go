package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
)

// TestResultsAsDocuments is who gets a report as a document, and who does not.
func TestResultsAsDocuments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{
		documents: "ask", writeTo: "[server, topic], auth: {type: bearer, token: " + ehrToken + "}",
		fhir: func(c *sandbox.FHIRConfig) { c.Token = ehrToken },
	})
	var foreign atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { foreign.Add(1) }))
	t.Cleanup(other.Close)
	b := w.run()
	sent := 0
	for _, part := range []struct {
		name string
		play func(*testing.T, *world)
		sent int
	}{
		{"that came along", inlineDocument, 1},
		{"that the EHR has", fetchedDocument, 1},
		{"that is not what its hash says", differingDocument, 0},
		{"that lies elsewhere", func(t *testing.T, w *world) { foreignDocument(t, w, other.URL+"/b1") }, 0},
		{"that is not there any more", missingDocument, 0},
		{"changed meanwhile", amendedDocument, 1},
		{"withdrawn meanwhile", withdrawnDocument, 0},
		{"to another number", otherNumber, 0},
		{"to a family's phone", familyPhone, 1},
		{"to nobody knows whom", unknownBirth, 0},
	} {
		sent += part.sent
		t.Run(part.name, func(t *testing.T) { part.play(t, w) })
	}
	w.publish("bad", []byte(`{"resourceType":"DiagnosticReport","id":"bad","status":"nonsense","code":{"text":"x"},"presentedForm":[{`+inline(document("bad"))+`}]}`))
	w.await("everything to be said and written", func() bool { return w.settled(b) })
	if got := foreign.Load(); got > 0 {
		t.Errorf("another host was asked %d times", got)
	}
	checkDocuments(t, w, b, sent)
}

func inlineDocument(t *testing.T, w *world) {
	v := w.born(t, "d0", "Amara", "+15550100300", "en")
	pdf := document("d0")
	v.reported("final", time.Now(), inline(pdf))
	m := v.reads("report_ready_here")
	v.taps(m, "Portal")
	v.reads("https://portal.example.org")
	v.wants("Send here", "please write your date of birth")
	v.phone.Write("22 August 1979")
	v.reads("not the date of birth that we have")
	if len(v.documents()) > 0 {
		t.Error("it was sent to a wrong date of birth")
	}
	v.phone.Write("It is 21 August 1979!")
	v.phone.Write("21 August 1979") // once more, and nothing comes of it
	v.charted("sender.reference", `It is [date of birth]!`)
	v.gets(pdf, "results.pdf")
}

func fetchedDocument(t *testing.T, w *world) {
	v := w.born(t, "d1", "Jonas", "+15550100301", "de")
	pdf := document("d1")
	raw, err := json.Marshal(map[string]string{"resourceType": "Binary", "id": "b1", "contentType": "application/pdf", "data": base64.StdEncoding.EncodeToString(pdf)})
	must(t, err)
	must(t, w.ehr.Seed(raw))
	v.reported("final", time.Now(), located(pdf, "Binary/b1"))
	v.wants("Hier senden", "Ihr Geburtsdatum")
	v.phone.Write("21.08.1979")
	v.gets(pdf, "ergebnisse.pdf")
}

func differingDocument(t *testing.T, w *world) {
	v := w.born(t, "d2", "María", "+15550100302", "es")
	v.reported("final", time.Now(), form(document("d2"))+fmt.Sprintf(`"data":%q`, base64.StdEncoding.EncodeToString(document("D2"))))
	v.wants("Enviar aquí", "fecha de nacimiento")
	v.phone.Write("21 de agosto de 1979")
	v.refused("No podemos enviarle este documento aquí", "document_not_sent", "document differs")
}

func foreignDocument(t *testing.T, w *world, url string) {
	v := w.born(t, "d3", "Amélie", "+15550100303", "fr")
	v.reported("final", time.Now(), located(document("d3"), url))
	v.wants("Envoyer ici", "date de naissance")
	v.phone.Write("21 août 1979")
	v.refused("Nous ne pouvons pas vous envoyer ce document ici", "document_not_sent", "document foreign")
}

func missingDocument(t *testing.T, w *world) {
	v := w.born(t, "d4", "Giulia", "+15550100304", "it")
	v.reported("final", time.Now(), located(document("d4"), w.ehr.URL()+"/Binary/none"))
	v.wants("Invia qui", "data di nascita")
	v.phone.Write("21 agosto 1979")
	v.refused("Non possiamo inviarLe qui", "document_not_sent", "document gone")
}

// amendedDocument changes the report between the question and the answer: the newest one is sent.
func amendedDocument(t *testing.T, w *world) {
	v := w.born(t, "d5", "Łucja", "+15550100305", "pl")
	v.reported("final", time.Now().Add(-time.Hour), inline(document("d5")))
	v.wants("Wyślij tutaj", "podanie daty urodzenia")
	newest := document("d5, amended")
	v.reported("amended", time.Now(), inline(newest))
	v.reads("report_changed")
	v.taps(v.reads("report_ready_here"), "Wyślij tutaj") // the newest message is another by now
	v.await("the question again", func() bool { return strings.Contains(last(v).Text, "podanie daty urodzenia") })
	v.phone.Write("21 sierpnia 1979")
	v.gets(newest, "wyniki.pdf")
}

func last(v *attendee) sandbox.ReceivedMessage {
	m, _ := v.phone.Last()
	return m
}

// withdrawnDocument takes the report back between the question and the answer.
func withdrawnDocument(t *testing.T, w *world) {
	v := w.born(t, "d6", "Inês", "+15550100306", "pt")
	v.reported("final", time.Now(), inline(document("d6")))
	v.wants("Enviar aqui", "data de nascimento")
	v.reported("entered-in-error", time.Now(), inline(document("d6")))
	v.reads("report_withdrawn")
	v.taps(v.reads("report_ready_here"), "Enviar aqui")
	v.refused("Não podemos enviar-lhe este documento aqui", "document_not_sent", "")
}

// otherNumber is a patient who has another number by now: the old one gets nothing.
func otherNumber(t *testing.T, w *world) {
	v := w.born(t, "d7", "Deniz", "+15550100307", "tr")
	v.reported("final", time.Now(), inline(document("d7")))
	v.wants("Buraya gönder", "doğum tarihinizi")
	v.saves(strings.Replace(patient("d7", "Deniz", "+15550100308", "tr"), `"id"`, `"birthDate":"`+birthday+`","id"`, 1))
	v.phone.Write("21 Ağustos 1979")
	v.refused("Bu belgeyi size buradan gönderemiyoruz", "other_number", "")
	if len(v.documents()) > 0 || len(w.whatsapp.Phone("+15550100308").Messages()) > 0 {
		t.Error("it was sent all the same")
	}
}

// familyPhone is a parent's and a child's: each report goes out to the date of birth of whom it is about.
func familyPhone(t *testing.T, w *world) {
	parent, child := w.born(t, "d9", "Oksana", "+15550100309", "uk"), w.bornOn(t, "2015-05-06", "d10", "Taras", "+15550100309", "uk")
	pdf := document("d10")
	child.reported("final", time.Now(), inline(pdf))
	child.wants("Надіслати сюди", "дату народження")
	child.phone.Write("21.08.1979") // the parent's
	child.reads("не збігається")
	child.phone.Write("6 травня 2015")
	child.gets(pdf, "результати.pdf")
	if got := len(parent.documents()); got != 1 {
		t.Errorf("%d documents, want the child's", got)
	}
}

func unknownBirth(t *testing.T, w *world) {
	v := w.attendee(t, "d11", "ليلى", "+15550100311", "ar")
	v.reported("final", time.Now(), inline(document("d11")))
	v.taps(v.reads("report_ready_here"), "الإرسال هنا")
	v.refused("لا يمكننا إرسال هذا المستند", "birth_date_missing", "")
}

// TestThreeWrongBirthDates locks a report for good: neither another report nor another start of the bridge lets the
// patient try again.
func TestThreeWrongBirthDates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{documents: "ask"})
	b := w.run()
	v := w.born(t, "d0", "Amara", "+15550100300", "en")
	v.reported("final", time.Now(), inline(document("d0")))
	v.wants("Send here", "please write your date of birth")
	wrong := func(n int) {
		t.Helper()
		v.phone.Write(fmt.Sprintf("%d May 1980", n))
		v.await("the answer", func() bool { return len(v.phone.Messages()) == n+2 })
	}
	wrong(1)
	w.await("everything to be said and written", func() bool { return w.settled(b) })
	b.end(t)
	b = w.run()
	wrong(2)
	wrong(3)
	v.reads("not right too many times")
	v.isAsked("birth_date_locked")
	v.phone.Write("21 August 1979")
	v.reads("passed it on")
	v.taps(v.reads("report_ready_here"), "Send here")
	v.await("the refusal", func() bool { return strings.Contains(last(v).Text, "too many times") })
	v.phone.Write("21 August 1979")
	w.await("everything to be said and written", func() bool { return w.settled(b) })
	if len(v.documents()) > 0 {
		t.Error("the document was sent")
	}
	for _, raw := range w.ehr.All("Communication") {
		if words := gjson.GetBytes(raw, "payload.0.contentString").String(); strings.Contains(words, "1979") || strings.Contains(words, " May") {
			t.Error("a date is filed")
		}
	}
}

// TestConsentToDocuments asks the EHR, besides the patient.
func TestConsentToDocuments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{documents: "consent"})
	w.run()
	consent := func(id, choice, more string) string {
		return fmt.Sprintf(`{"resourceType":"Consent","id":"c-%s","status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},`+
			`"category":[{"coding":[{"system":"https://fhirbridge.dev/consent","code":"messaging"}]}],"patient":{"reference":"Patient/%s"},"dateTime":"2026-01-01T00:00:00Z",`+
			`"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":%q}]}%s}`, id, id, choice, more)
	}
	for i, c := range []struct {
		name, choice, more string
		sent               bool
	}{
		{"none", "", "", false},
		{"permits", "OPTIN", "", true},
		{"denies", "OPTOUT", "", false},
		{"ended", "OPTIN", `,"provision":{"period":{"end":"2026-01-02"}}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := fmt.Sprint("d", i)
			v := w.born(t, id, "Amara", fmt.Sprintf("+1555010030%d", i), "en")
			if c.choice != "" {
				must(t, w.ehr.Seed([]byte(consent(id, c.choice, c.more))))
			}
			v.reported("final", time.Now(), inline(document(id)))
			v.wants("Send here", "please write your date of birth")
			v.phone.Write("21 August 1979")
			if c.sent {
				v.gets(document(id), "results.pdf")
				return
			}
			v.refused("We cannot send you this document here", "document_not_sent", "no consent")
		})
	}
}
