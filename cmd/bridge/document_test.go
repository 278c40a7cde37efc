package main

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/pipeline/porttest"
)

const (
	// ehrToken is what the EHR asks for, of the bridge and of nobody else.
	ehrToken = "EHRtokencanary"
	// content stands in every document, and birthday is when everybody is born.
	content  = "Quokkacontent"
	birthday = "1979-08-21"
)

// document is a PDF that says who it is for.
func document(of string) []byte { return []byte("%PDF-1.7\n" + content + " of " + of + "\n%%EOF\n") }

// form is Attachment elements, and a comma, with the size and the hash of a document.
func form(content []byte) string {
	sum := sha1.Sum(content)
	return fmt.Sprintf(`"contentType":"application/pdf","title":"%s","size":%d,"hash":%q,`, finding, len(content), base64.StdEncoding.EncodeToString(sum[:]))
}

// inline is the document in the report itself, located the one that lies elsewhere.
func inline(content []byte) string {
	return form(content) + fmt.Sprintf(`"data":%q`, base64.StdEncoding.EncodeToString(content))
}

func located(content []byte, url string) string { return form(content) + fmt.Sprintf(`"url":%q`, url) }

// born makes an attendee whose date of birth is known.
func (w *world) born(t *testing.T, id, given, number, language string) *attendee {
	return w.bornOn(t, birthday, id, given, number, language)
}

// has a report that a person has signed, with a document.
func (v *attendee) reported(status string, issued time.Time, attachment string) {
	v.t.Helper()
	v.knows(fmt.Sprintf(`{"resourceType":"DiagnosticReport","id":"of-%s","status":%q,"issued":%q,"subject":{"reference":"Patient/%s"},%s`+
		`"code":{"text":%q},"presentedForm":[{%s}]}`, v.id, status, issued.UTC().Format(time.RFC3339), v.id, signature, finding, attachment))
}

// wants has the results sent here, up to the question for the date of birth.
func (v *attendee) wants(title, question string) {
	v.t.Helper()
	v.taps(v.reads("report_ready_here"), title)
	v.reads(question)
}

// gets waits for the document, and compares it.
func (v *attendee) gets(want []byte, name string) {
	v.t.Helper()
	v.await("the document", func() bool { return len(v.documents()) > 0 })
	m := v.documents()[0]
	got, kind, _ := v.whatsapp.Media(m.Media.ID)
	if string(got) != string(want) || kind != "application/pdf" || m.Media.Filename != name {
		v.t.Errorf("got %d bytes of %s as %s, want the document as %s", len(got), kind, m.Media.Filename, name)
	}
	v.charted("recipient.0.reference", `\n\n[`+name+`]`)
	v.charted("sender.reference", `"[date of birth]"`)
}

func (v *attendee) documents() (list []sandbox.ReceivedMessage) {
	for _, m := range v.phone.Messages() {
		if m.Kind == "document" {
			list = append(list, m)
		}
	}
	return list
}

// refused waits for the words that nothing is sent, and for the Task that says why.
func (v *attendee) refused(words, code, why string) {
	v.t.Helper()
	v.reads(words)
	if got := v.task(code).Get("reasonCode.text").String(); got != why {
		v.t.Errorf("the Task says %q, want %q", got, why)
	}
}

// withDocuments is the block of the configuration that sends documents, and what of the facility it needs.
func (o worldOptions) withDocuments() (block, facility string) {
	if o.documents == "" {
		return "", ""
	}
	return fmt.Sprintf("documents: {results: %s}\n", o.documents), ", portal: 'https://portal.example.org'"
}

// checkDocuments looks for what must be nowhere: documents, findings, dates of birth, credentials.
func checkDocuments(t *testing.T, w *world, b *bridge, sent int) {
	t.Helper()
	if got := documentsSent(w); got != sent {
		t.Errorf("%d documents were sent, want %d", got, sent)
	}
	if again := w.whatsapp.Duplicates(); len(again) > 0 {
		t.Errorf("%d messages were sent twice", len(again))
	}
	visible := map[string]string{"logs": b.log.String(), "metrics": w.metrics()}
	for _, kind := range []string{"Communication", "Task"} {
		for _, raw := range w.ehr.All(kind) {
			visible[kind+"s"] += string(raw) + "\n"
		}
	}
	for _, r := range w.records(w.topics.DeadLetters, 1) {
		for _, h := range r.Headers {
			visible["dead-letter headers"] += h.Key + "=" + string(h.Value) + "\n"
		}
	}
	files, err := filepath.Glob(filepath.Join(w.dir, "bridge.db*"))
	must(t, err)
	for _, name := range files {
		raw, err := os.ReadFile(name)
		must(t, err)
		visible["ledger files"] += string(raw)
	}
	if !strings.Contains(visible["ledger files"], "DiagnosticReport/of-d0") || !strings.Contains(visible["Communications"], "[date of birth]") {
		t.Error("what is there is not found: the search finds nothing")
	}
	for where, text := range visible {
		for _, found := range porttest.Found(text, content, finding, birthday, "August 1979", "21.08.1979", "19790821", ehrToken) {
			t.Errorf("%s hold %q in some form", where, found)
		}
	}
}

// documentsSent is how many were sent to anybody of the tests of documents.
func documentsSent(w *world) (n int) {
	for i := range 20 {
		for _, m := range w.whatsapp.Phone(fmt.Sprintf("+155501003%02d", i)).Messages() {
			if m.Kind == "document" {
				n++
			}
		}
	}
	return n
}
