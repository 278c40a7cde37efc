package tyntec_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fhirbridge/pipeline"
)

func TestTemplates(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("apikey") != apiKey || r.URL.Path != "/channels/whatsapp/phone-numbers/"+number+"/templates":
			w.WriteHeader(http.StatusNotFound)
		case r.URL.Query().Get("page") == "2":
			_, _ = w.Write([]byte(`[{"templateName":"second","category":"MARKETING","localízations":[{"language":"de","status":"REJECTED","rejectionReason":"Kanarienvogel ist es","components":[]}]}]`))
		default: // the host of a link is not asked
			w.Header().Set("Link", `<https://elsewhere.example.org/x?page=1>; rel="first", <https://elsewhere.example.org/x?page=2>; rel="next"`)
			_, _ = w.Write([]byte(`[{"whatsAppAccountId":"1","templateName":"first","category":"UTILITY","localizations":[
				{"language":"en","status":"APPROVED","messageSendTimeToLiveSeconds":120,"qualityScore":"GREEN","components":[
					{"type":"HEADER","format":"TEXT","text":"Hi {{1}}"},{"type":"BODY","text":"Hello {{1}}!"},{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"Yes"}]}]},
				{"language":"de","status":"PENDING","components":[{"type":"BODY","text":"Hallo {{1}}!"}]}]}]`))
		}
	}))
	defer server.Close()
	got, err := open(t, server.URL).Templates(t.Context())
	if err != nil || len(got) != 3 {
		t.Fatalf("got %d templates, %v; want 3", len(got), err)
	}
	if first := got[0]; first.Name != "first" || first.Language != "en" || first.Status != "APPROVED" || first.TTL != 120 || first.Quality != "GREEN" ||
		len(first.Components) != 3 || first.Components[1].Text != "Hello {{1}}!" || first.Components[2].Buttons[0].Text != "Yes" {
		t.Errorf("got %+v", first)
	}
	if last := got[2]; last.Name != "second" || last.Status != "REJECTED" || last.RejectedReason != "OTHER" || last.Category != "MARKETING" {
		t.Errorf("got %+v", last)
	}
	for status, want := range map[int]pipeline.Kind{200: pipeline.Transient, 401: pipeline.Transient, 429: pipeline.Throttled, 500: pipeline.Transient} {
		_, err := open(t, serve(t, status, `{"canary":1}`).URL).Templates(t.Context())
		if e := asError(t, err); e.Kind != want || e.Unknown {
			t.Errorf("HTTP %d: got %v", status, err)
		}
	}
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", `<?page=2>; rel=next`)
		_, _ = w.Write([]byte(`[]`))
	}))
	defer endless.Close()
	if _, err := open(t, endless.URL).Templates(t.Context()); err == nil || !strings.Contains(err.Error(), "unreadable") {
		t.Errorf("a list without end: %v", err)
	}
}
