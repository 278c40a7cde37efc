package cloudapi_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"fhirbridge/pipeline"
)

func TestUploadForm(t *testing.T) {
	data := bytes.Repeat([]byte("%PDF-1.7\r\n--boundary\r\n"), 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v25.0/"+numberID+"/media" || r.Header.Get("Authorization") != "Bearer "+accessToken {
			t.Errorf("request = %s, authorization %q", r.URL.Path, r.Header.Get("Authorization"))
		}
		if r.ContentLength <= int64(len(data)) {
			t.Errorf("content length = %d, want more than %d", r.ContentLength, len(data))
		}
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			t.Errorf("form: %v", err)
			return
		}
		if got := r.FormValue("messaging_product") + " " + r.FormValue("type"); got != "whatsapp application/pdf" {
			t.Errorf("fields = %q", got)
		}
		file, header, err := r.FormFile("file")
		if err != nil {
			t.Errorf("file: %v", err)
			return
		}
		if got := header.Filename; got != `a_ _b.pdf` {
			t.Errorf("filename = %q", got)
		}
		if got := header.Header.Get("Content-Type"); got != "application/pdf" {
			t.Errorf("type of the file = %q", got)
		}
		if got, _ := io.ReadAll(file); !bytes.Equal(got, data) {
			t.Errorf("file has %d bytes, want %d", len(got), len(data))
		}
		_, _ = io.WriteString(w, `{"id":"1037543291543636"}`)
	}))
	defer server.Close()
	media := pipeline.Media{ContentType: "application/pdf; charset=binary", Filename: "a\" \nb.pdf", Data: data}
	if id, err := open(t, server.URL).Upload(t.Context(), media); err != nil || id != "1037543291543636" {
		t.Errorf("Upload = %q, %v", id, err)
	}
}

func TestUploadRefusesBeforePosting(t *testing.T) {
	var posted atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { posted.Add(1) }))
	defer server.Close()
	cases := []struct {
		name, kind string
		size       int
		want       string
	}{
		{"unknown type", "text/html", 10, "type"},
		{"no type", "", 10, "type"},
		{"no such type", "application/pdf\r\nX: y", 10, "type"},
		{"empty", "application/pdf", 0, "empty"},
		{"image over 5 MB", "image/jpeg", 5<<20 + 1, "size"},
		{"voice over 16 MB", "audio/ogg; codecs=opus", 16<<20 + 1, "size"},
		{"sticker over 500 KB", "image/webp", 500<<10 + 1, "size"},
		{"document over 100 MB", "application/pdf", 100<<20 + 1, "size"},
	}
	client := open(t, server.URL)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := client.Upload(t.Context(), pipeline.Media{ContentType: c.kind, Data: make([]byte, c.size)})
			e := asError(t, err)
			if cause := errors.Unwrap(err); e.Kind != pipeline.Refused || e.Reason != "media" || cause == nil || cause.Error() != c.want {
				t.Errorf("got %v, want refused media: %s", err, c.want)
			}
		})
	}
	if n := posted.Load(); n != 0 {
		t.Errorf("%d requests were posted, want none", n)
	}
}
