package tyntec_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"fhirbridge/pipeline"
)

func TestStatuses(t *testing.T) {
	const history = `{"messageId":"m-1","events":[
		{"timestamp":"2026-05-03T08:00:00.081Z","event":"MessageStatus::accepted","channel":"whatsapp"},
		{"timestamp":"2026-05-03T08:00:01Z","event":"MessageStatus::unknown","channel":"whatsapp"},
		{"timestamp":"2026-05-03T08:00:02Z","event":"MessageStatus::channelFailed","channel":"whatsapp","details":{"code":"whatsapp::error::131026","message":"canary"}}]}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/messages/m-1/events" || r.Header.Get("apikey") != apiKey {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(history))
	}))
	defer server.Close()
	got, err := open(t, server.URL).Statuses(t.Context(), "m-1")
	if err != nil || len(got) != 2 {
		t.Fatalf("got %d statuses, %v; want 2", len(got), err)
	}
	if got[0].State != pipeline.Accepted || got[1].State != pipeline.Failed || got[1].Code != "131026" || !got[1].Absent() ||
		got[1].MessageID != "m-1" || got[1].At.Second() != 2 {
		t.Errorf("got %+v", got)
	}
	for _, id := range []string{"m-2", "", "../m-1", "m-1?x"} {
		if _, err := open(t, server.URL).Statuses(t.Context(), id); asError(t, err).Kind != pipeline.Refused {
			t.Errorf("id %q: got %v, want refused", id, err)
		}
	}
	for status, want := range map[int]pipeline.Kind{429: pipeline.Throttled, 500: pipeline.Transient, 200: pipeline.Transient, 401: pipeline.Transient} {
		_, err := open(t, serve(t, status, `{"messageId":"canary"}`).URL).Statuses(t.Context(), "m-1")
		if e := asError(t, err); e.Kind != want || e.Unknown {
			t.Errorf("HTTP %d: got %v, unknown %t", status, err, e.Unknown)
		}
	}
}
