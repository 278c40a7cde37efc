package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
)

// jpeg is a picture of that many bytes.
func jpeg(size int) []byte {
	return append([]byte("\xff\xd8\xff\xe0"), bytes.Repeat([]byte{7}, size-4)...)
}

func photo(t *testing.T, w *world) {
	v := w.attendee(t, "t3", "Ann", "+15550100174", "en")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	data := jpeg(700_000)
	v.phone.SendMedia(sandbox.InboundMedia{MIMEType: "image/jpeg", Data: data, Caption: "Is this how it should look?"})
	v.reads("Nobody is here to read it right now")
	v.charted("sender.reference", "Is this how it should look?")
	doc := v.filed("DocumentReference", "subject.reference", "Patient/t3")
	attachment := doc.Get("content.0.attachment")
	sum := sha1.Sum(data)
	if got, err := base64.StdEncoding.DecodeString(attachment.Get("data").String()); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the document has %d bytes, %v; want the photo", len(got), err)
	}
	if attachment.Get("hash").String() != base64.StdEncoding.EncodeToString(sum[:]) || attachment.Get("size").Int() != int64(len(data)) ||
		attachment.Get("contentType").String() != "image/jpeg" || doc.Get("author.0.reference").String() != "Patient/t3" {
		t.Errorf("the document is %s %s %s", attachment.Get("hash"), attachment.Get("size"), attachment.Get("contentType"))
	}
	id := doc.Get("identifier.0.value").String()
	said := v.filed("Communication", "payload.1.contentReference.identifier.value", id)
	if got := said.Get("payload.0.contentString").String(); got != "Is this how it should look?" {
		t.Errorf("the Communication says %q", got)
	}
	if got := doc.Get("context.related.0.identifier.value").String(); !strings.Contains(said.Get("identifier").Raw, got) {
		t.Errorf("the document belongs to %q", got)
	}
	v.task("patient_message")
	on := v.onTopic("DocumentReference", "identifier.0.value", id).Get("content.0.attachment")
	if on.Get("data").Exists() || on.Get("size").Int() != int64(len(data)) || on.Get("url").String() != "DocumentReference/"+doc.Get("id").String() {
		t.Errorf("on the topic it is %d bytes, at %q", len(on.Raw), on.Get("url"))
	}
}

func photoOfAStranger(t *testing.T, w *world) {
	own := *w
	own.t = t
	must(t, own.ehr.Seed([]byte(patient("t4", "Ann", "+15550100175", "en"))))
	own.whatsapp.Phone("+15550100175").SendMedia(sandbox.InboundMedia{MIMEType: "audio/ogg; codecs=opus", Data: jpeg(1000), Voice: true})
	if doc := own.filed("DocumentReference", "subject.reference", "Patient/t4"); doc.Get("content.0.attachment.contentType").String() != "audio/ogg; codecs=opus" {
		t.Errorf("the document is %s", doc.Get("content.0.attachment.contentType"))
	}
}

func (v *attendee) isMissing(code string) {
	v.t.Helper()
	task := v.task(code)
	about, _ := v.ehr.Resource(task.Get("focus.reference").String())
	if gjson.GetBytes(about, "sender.reference").String() != "Patient/"+v.id {
		v.t.Errorf("the Task is about %q, want what the patient sent", task.Get("focus").Raw)
	}
	for _, raw := range v.ehr.All("DocumentReference") {
		if gjson.GetBytes(raw, "subject.reference").String() == "Patient/"+v.id {
			v.t.Error("there is a document all the same")
		}
	}
}

func fileGone(t *testing.T, w *world) {
	v := w.attendee(t, "t5", "Jonas", "+15550100176", "de")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	v.phone.Send(map[string]any{"type": "image", "image": map[string]any{"id": "999999999999999", "mime_type": "image/jpeg", "caption": "Mein Befund"}})
	v.charted("sender.reference", "Mein Befund")
	v.isMissing("file_gone")
	v.await("it to be given up", func() bool { return strings.Contains(v.metrics(), "bridge_ledger_writes_given_up 1") })
}

func fileTooLarge(t *testing.T, w *world) {
	v := w.attendee(t, "t6", "María", "+15550100177", "es")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	v.phone.SendMedia(sandbox.InboundMedia{MIMEType: "application/pdf", Data: jpeg(1<<20 + 1), Filename: "informe.pdf"})
	v.charted("sender.reference", "[document]")
	v.isMissing("file_too_large")
}

func fileType(t *testing.T, w *world) {
	v := w.attendee(t, "t7", "Giulia", "+15550100178", "it")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	v.phone.SendMedia(sandbox.InboundMedia{MIMEType: "application/zip", Data: jpeg(100), Filename: "tutto.zip"})
	v.charted("sender.reference", "was not fetched")
	v.task("patient_message")
}
