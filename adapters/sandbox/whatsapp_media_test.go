package sandbox_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
)

func TestMediaGoesUpAndDown(t *testing.T) {
	now := newClock()
	w := newWhatsApp(t, func(c *sandbox.WhatsAppConfig) { c.Clock = now.now })
	id := upload(t, w, "application/pdf", []byte("%PDF-1.7"))
	mustSend(t, w, message(`"type": "template", "template": {"name": "with_document", "language": {"code": "en"}, "components": [
		{"type": "header", "parameters": [{"type": "document", "document": {"id": "`+id+`", "filename": "way.pdf"}}]}]}`))
	got := *w.Accepted()[0].Media
	want := sandbox.MediaFacts{
		Kind: "document", ID: id, Filename: "way.pdf", MIMEType: "application/pdf", Size: 8,
		SHA256: sum("%PDF-1.7"),
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	link := func() string {
		status, _, body := call(t, http.MethodGet, w.URL()+"/v25.0/"+id, "", "")
		var info struct {
			URL    string `json:"url"`
			SHA256 string `json:"sha256"`
			Size   string `json:"file_size"`
		}
		if err := json.Unmarshal(body, &info); err != nil || status != http.StatusOK || info.SHA256 != want.SHA256 || info.Size != "8" {
			t.Fatalf("got HTTP %d, %s", status, body)
		}
		return info.URL
	}
	url := link()
	if status, _, _ := call(t, http.MethodGet, url, "", "", "Authorization", ""); status != http.StatusUnauthorized {
		t.Errorf("download without the token: got HTTP %d, want 401", status)
	}
	status, header, body := call(t, http.MethodGet, url, "", "")
	if status != http.StatusOK || string(body) != "%PDF-1.7" || header.Get("Content-Type") != "application/pdf" {
		t.Errorf("got HTTP %d, %q as %q", status, body, header.Get("Content-Type"))
	}
	now.move(5 * time.Minute)
	if status, _, _ := call(t, http.MethodGet, url, "", ""); status != http.StatusNotFound {
		t.Errorf("an address of five minutes ago: got HTTP %d, want 404", status)
	}
	if status, _, _ := call(t, http.MethodGet, link(), "", ""); status != http.StatusOK {
		t.Errorf("a new address: got HTTP %d, want 200", status)
	}
	if data, _, ok := w.Media(id); !ok || string(data) != "%PDF-1.7" {
		t.Errorf("got %q, %t from Media", data, ok)
	}
	if status, _, _ := call(t, http.MethodDelete, w.URL()+"/v25.0/"+id, "", ""); status != http.StatusOK {
		t.Errorf("delete: got HTTP %d, want 200", status)
	}
	if status, _, _ := call(t, http.MethodGet, w.URL()+"/v25.0/"+id, "", ""); status != http.StatusBadRequest {
		t.Errorf("what was deleted: got HTTP %d, want 400", status)
	}
	old := upload(t, w, "image/png", []byte("\x89PNG\r\n\x1a\n"))
	now.move(30 * 24 * time.Hour)
	if _, _, ok := w.Media(old); ok {
		t.Error("got media after 30 days, want it gone")
	}
}

func TestUploadsAreRefused(t *testing.T) {
	w := newWhatsApp(t, nil)
	cases := []struct {
		name, declared, sent string
		data                 []byte
		code                 int
	}{
		{"a type that is not served", "application/zip", "application/zip", []byte("zip"), 131053},
		{"a type that differs from the file's", "image/png", "image/jpeg", []byte("png"), 100},
		{"no type", "", "image/jpeg", []byte("jpeg"), 100},
		{"an empty file", "image/png", "image/png", nil, 131053},
		{"a picture that is none", "image/png", "image/png", []byte("png"), 131053},
		{"a picture of another type", "image/jpeg", "image/jpeg", []byte("\x89PNG\r\n\x1a\n"), 131053},
		{"a picture over 5 MB", "image/png", "image/png", make([]byte, 5<<20+1), 131053},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if status, _, code := tryUpload(t, w, c.declared, c.sent, c.data); status != http.StatusBadRequest || code != c.code {
				t.Errorf("got HTTP %d, code %d, want 400, %d", status, code, c.code)
			}
		})
	}
	status, _, body := call(t, http.MethodPost, w.URL()+"/v25.0/"+numberID+"/media", "application/json", "{}")
	if _, status, code := readAnswer(t, status, body); status != http.StatusBadRequest || code != 100 {
		t.Errorf("JSON: got HTTP %d, code %d, want 400, 100", status, code)
	}
}

func tryUpload(t *testing.T, w *sandbox.WhatsApp, declared, sent string, data []byte) (status int, id string, code int) {
	t.Helper()
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	file, err := m.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="file"`}, "Content-Type": {sent},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = file.Write(data)
	_ = m.WriteField("messaging_product", "whatsapp")
	_ = m.WriteField("type", declared)
	_ = m.Close()
	status, _, body := call(t, http.MethodPost, w.URL()+"/v25.0/"+numberID+"/media", m.FormDataContentType(), form.String())
	var answer struct {
		ID string `json:"id"`
	}
	if status == http.StatusOK {
		if err := json.Unmarshal(body, &answer); err != nil {
			t.Fatal(err)
		}
		return status, answer.ID, 0
	}
	_, status, code = readAnswer(t, status, body)
	return status, "", code
}
