package sandbox_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
)

const (
	fhirJSON  = "application/fhir+json"
	patchJSON = "application/json-patch+json"

	erika = `{"resourceType": "Patient", "id": "erika", "identifier": [{"system": "urn:mrn", "value": "1"}],
		"telecom": [{"system": "phone", "value": "+15550100123"}, {"system": "email", "value": "erika@example.org"}]}`
	visit = `{"resourceType": "Appointment", "id": "visit", "status": "booked", "minutesDuration": 30.50,
		"extension": [{"url": "urn:x", "valueString": "<kept & untouched>"}],
		"participant": [{"actor": {"reference": "Patient/erika"}, "status": "needs-action"},
			{"actor": {"reference": "Practitioner/dr-a"}, "status": "accepted"}]}`
)

// newFHIR starts a server that holds erika and her visit.
func newFHIR(t *testing.T, cfg sandbox.FHIRConfig) *sandbox.FHIRServer {
	t.Helper()
	s, err := sandbox.NewFHIRServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	bundle := `{"resourceType": "Bundle", "type": "collection", "entry": [{"resource": ` + visit + `}]}`
	if err := s.Seed([]byte(erika), []byte(bundle)); err != nil {
		t.Fatal(err)
	}
	return s
}

// reply is a Communication under this identifier.
func reply(value string) string {
	return `{"resourceType": "Communication", "status": "completed", "identifier": [{"system": "urn:wamid", "value": "` + value + `"}],
		"subject": {"reference": "Patient/erika"}}`
}

func TestCreateThenRead(t *testing.T) {
	now := newClock()
	s := newFHIR(t, sandbox.FHIRConfig{Clock: now.now, Token: token})
	status, header, body := call(t, http.MethodPost, s.URL()+"/Communication", fhirJSON, reply("a"))
	id := gjson.GetBytes(body, "id").String()
	at := s.URL() + "/Communication/" + id
	if status != http.StatusCreated || header.Get("Location") != at+"/_history/1" || header.Get("ETag") != `W/"1"` ||
		header.Get("Last-Modified") != "Fri, 01 May 2026 08:00:00 GMT" || !strings.HasPrefix(header.Get("Content-Type"), fhirJSON) {
		t.Errorf("got HTTP %d, %v", status, header)
	}
	if got := gjson.GetBytes(body, "meta.versionId").String() + " " + gjson.GetBytes(body, "meta.lastUpdated").String(); got != "1 2026-05-01T08:00:00.000Z" {
		t.Errorf("got meta %q", got)
	}
	status, header, again := call(t, http.MethodGet, at, "", "")
	if status != http.StatusOK || string(again) != string(body) || header.Get("ETag") != `W/"1"` {
		t.Errorf("read: got HTTP %d, %s, want what was created", status, again)
	}
	if status, _, body := call(t, http.MethodGet, at, "", "", "If-None-Match", `W/"1"`); status != http.StatusNotModified || len(body) > 0 {
		t.Errorf("read of what is known: got HTTP %d, want 304", status)
	}
	if got, ok := s.Resource("Communication/" + id); !ok || string(got) != string(body) {
		t.Errorf("got %s from Resource", got)
	}
	if status, header, body := call(t, http.MethodPost, s.URL()+"/Communication", fhirJSON, reply("b"), "Prefer", "return=minimal"); status != http.StatusCreated || len(body) > 0 || header.Get("Location") == "" {
		t.Errorf("return=minimal: got HTTP %d, %q", status, body)
	}
	if _, _, body := call(t, http.MethodPost, s.URL()+"/Communication", fhirJSON, reply("c"), "Prefer", "return=OperationOutcome"); gjson.GetBytes(body, "resourceType").String() != "OperationOutcome" {
		t.Errorf("return=OperationOutcome: got %s", body)
	}
	if got := len(s.All("Communication")); got != 3 || s.Count("Communication") != 3 {
		t.Errorf("got %d Communications, want 3", got)
	}
}

func TestConditionalCreate(t *testing.T) {
	s := newFHIR(t, sandbox.FHIRConfig{})
	post := func(value, condition string) (int, string) {
		status, header, _ := call(t, http.MethodPost, s.URL()+"/Communication", fhirJSON, reply(value), "If-None-Exist", condition)
		return status, header.Get("Location")
	}
	first, at := post("a", "identifier=urn%3Awamid%7Ca")
	second, again := post("a", "identifier=urn:wamid|a")
	if first != http.StatusCreated || second != http.StatusOK || at != again || at == "" {
		t.Errorf("got HTTP %d at %s, then %d at %s, want 201, then 200 at the same", first, at, second, again)
	}
	if got := s.Duplicates("Communication"); got != nil {
		t.Errorf("got duplicates %v, want none", got)
	}
	call(t, http.MethodPost, s.URL()+"/Communication", fhirJSON, reply("a"))
	if status, _ := post("a", "identifier=urn:wamid|a"); status != http.StatusPreconditionFailed {
		t.Errorf("two matches: got HTTP %d, want 412", status)
	}
	if got, want := s.Duplicates("Communication"), []string{"urn:wamid|a"}; !cmp.Equal(got, want) {
		t.Errorf("got duplicates %v, want %v", got, want)
	}
	if status, _ := post("a", "identity=a"); status != http.StatusBadRequest {
		t.Errorf("an unknown condition: got HTTP %d, want 400", status)
	}

	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { post("b", "identifier=urn:wamid|b") })
	}
	all.Wait()
	if got := s.Count("Communication"); got != 3 {
		t.Errorf("got %d Communications after 20 at once, want one more: 3", got)
	}
}

func TestUpdatePatchDeleteHistory(t *testing.T) {
	var writes, changes []string
	var s *sandbox.FHIRServer
	s = newFHIR(t, sandbox.FHIRConfig{
		OnWrite: func(method, ref string, raw []byte) {
			writes = append(writes, method+" "+ref+" "+gjson.GetBytes(raw, "meta.versionId").String())
		},
		OnChange: func(c sandbox.FHIRChange) {
			if s != nil && c.Raw != nil {
				if got, ok := s.Resource(c.Ref()); !ok || string(got) != string(c.Raw) {
					t.Errorf("a hook that reads: got %s", got)
				}
			}
			changes = append(changes, c.Method+" "+c.Ref()+" "+c.Version)
		},
	})
	at := s.URL() + "/Appointment/visit"
	accept := `[{"op": "test", "path": "/participant/0/actor/reference", "value": "Patient/erika"},
		{"op": "replace", "path": "/participant/0/status", "value": "accepted"}]`
	status, header, body := call(t, http.MethodPatch, at, patchJSON, accept, "If-Match", `W/"1"`)
	if status != http.StatusOK || header.Get("ETag") != `W/"2"` || gjson.GetBytes(body, "participant.0.status").String() != "accepted" {
		t.Errorf("PATCH: got HTTP %d, %v, %s", status, header, body)
	}
	if got := gjson.GetBytes(body, "minutesDuration").Raw + gjson.GetBytes(body, "extension.0.valueString").String(); got != "30.50<kept & untouched>" {
		t.Errorf("what was not patched: got %q", got)
	}
	if status, _, _ := call(t, http.MethodPut, at, fhirJSON, visit, "If-Match", `W/"2"`); status != http.StatusOK {
		t.Errorf("PUT: got HTTP %d, want 200", status)
	}
	if status, _, _ := call(t, http.MethodDelete, at, "", ""); status != http.StatusNoContent {
		t.Errorf("DELETE: got HTTP %d, want 204", status)
	}
	if got := s.Count("Appointment") + len(s.All("Appointment")); got != 0 {
		t.Errorf("after DELETE: got %d Appointments, want none", got)
	}
	for path, want := range map[string]int{"": 410, "/_history/1": 200, "/_history/4": 410, "/_history/5": 404, "/_history/x": 404} {
		if status, _, _ := call(t, http.MethodGet, at+path, "", ""); status != want {
			t.Errorf("GET …%s: got HTTP %d, want %d", path, status, want)
		}
	}
	if status, _, _ := call(t, http.MethodPut, at, fhirJSON, visit); status != http.StatusCreated {
		t.Errorf("PUT after DELETE: got HTTP %d, want 201", status)
	}
	_, _, body = call(t, http.MethodGet, at+"/_history", "", "")
	if got, want := gjson.GetBytes(body, "entry.#.request.method").Raw, `["PUT","DELETE","PUT","PATCH","PUT"]`; got != want {
		t.Errorf("history: got %s, want %s", got, want)
	}
	want := []string{"PATCH Appointment/visit 2", "PUT Appointment/visit 3", "DELETE Appointment/visit ", "PUT Appointment/visit 5"}
	if d := cmp.Diff(writes, want); d != "" {
		t.Errorf("writes: got - want +\n%s", d)
	}
	want = []string{
		" Patient/erika 1", " Appointment/visit 1", "PATCH Appointment/visit 2", "PUT Appointment/visit 3",
		"DELETE Appointment/visit 4", "PUT Appointment/visit 5",
	}
	if d := cmp.Diff(changes, want); d != "" {
		t.Errorf("changes: got - want +\n%s", d)
	}
}

func TestFHIRRequestsAreRefused(t *testing.T) {
	invalid := func([]byte) error { return errors.New("Communication.status: required") }
	ready := `[{"op": "replace", "path": "/status", "value": "arrived"}]`
	put := strings.Replace(visit, "visit", "new", 1)
	cases := []struct {
		name                            string
		cfg                             sandbox.FHIRConfig
		method, path, contentType, body string
		header                          []string
		status                          int
		code                            string
	}{
		{name: "no token", cfg: sandbox.FHIRConfig{Token: "other"}, method: "GET", path: "/Patient/erika", status: 401, code: "login"},
		{name: "unknown resource", method: "GET", path: "/Patient/none", status: 404, code: "not-found"},
		{name: "unknown type", method: "GET", path: "/Patients/erika", status: 404, code: "not-supported"},
		{name: "unknown interaction", method: "POST", path: "/Patient/erika", contentType: fhirJSON, body: erika, status: 405, code: "not-supported"},
		{name: "create as XML", method: "POST", path: "/Patient", contentType: "application/fhir+xml", body: "<Patient/>", status: 415, code: "not-supported"},
		{name: "create in another charset", method: "POST", path: "/Patient", contentType: fhirJSON + "; charset=latin1", body: erika, status: 415, code: "not-supported"},
		{name: "create of no JSON", method: "POST", path: "/Patient", contentType: fhirJSON, body: "{", status: 400, code: "structure"},
		{name: "create of an array", method: "POST", path: "/Patient", contentType: fhirJSON, body: "[]", status: 400, code: "invalid"},
		{name: "create of another type", method: "POST", path: "/Communication", contentType: fhirJSON, body: erika, status: 400, code: "invalid"},
		{name: "create of something invalid", cfg: sandbox.FHIRConfig{Validate: invalid}, method: "POST", path: "/Communication", contentType: fhirJSON, body: reply("a"), status: 422, code: "invalid"},
		{
			name: "create with a lost reference", cfg: sandbox.FHIRConfig{ReferentialIntegrity: true}, method: "POST", path: "/Communication",
			contentType: fhirJSON, body: strings.Replace(reply("a"), "erika", "none", 1), status: 422, code: "business-rule",
		},
		{name: "create on a server to read from", cfg: sandbox.FHIRConfig{ReadOnly: true}, method: "POST", path: "/Patient", contentType: fhirJSON, body: erika, status: 405, code: "not-supported"},
		{name: "update of something unknown", method: "PUT", path: "/Appointment/new", contentType: fhirJSON, body: put, status: 404, code: "not-found"},
		{name: "update under another id", method: "PUT", path: "/Appointment/visit", contentType: fhirJSON, body: put, status: 400, code: "invalid"},
		{name: "update of an old version", method: "PUT", path: "/Appointment/visit", contentType: fhirJSON, body: visit, header: []string{"If-Match", `W/"7"`}, status: 412, code: "conflict"},
		{name: "update of an old version, the way of HAPI", cfg: sandbox.FHIRConfig{ConflictStatus: 409}, method: "PUT", path: "/Appointment/visit", contentType: fhirJSON, body: visit, header: []string{"If-Match", `W/"7"`}, status: 409, code: "conflict"},
		{name: "update without version where one is required", cfg: sandbox.FHIRConfig{RequireIfMatch: true}, method: "PUT", path: "/Appointment/visit", contentType: fhirJSON, body: visit, status: 412, code: "required"},
		{name: "patch of an old version", method: "PATCH", path: "/Appointment/visit", contentType: patchJSON, body: ready, header: []string{"If-Match", `W/"7"`}, status: 412, code: "conflict"},
		{name: "patch that is none", method: "PATCH", path: "/Appointment/visit", contentType: patchJSON, body: `{"status": "arrived"}`, status: 400, code: "structure"},
		{name: "patch whose test fails", method: "PATCH", path: "/Appointment/visit", contentType: patchJSON, body: `[{"op": "test", "path": "/status", "value": "x"}]`, status: 422, code: "processing"},
		{name: "patch of the id", method: "PATCH", path: "/Appointment/visit", contentType: patchJSON, body: `[{"op": "replace", "path": "/id", "value": "x"}]`, status: 400, code: "invalid"},
		{name: "patch of the type", method: "PATCH", path: "/Appointment/visit", contentType: patchJSON, body: `[{"op": "replace", "path": "/resourceType", "value": "Patient"}]`, status: 400, code: "invalid"},
		{name: "patch into something invalid", cfg: sandbox.FHIRConfig{Validate: invalid}, method: "PATCH", path: "/Appointment/visit", contentType: patchJSON, body: ready, status: 422, code: "invalid"},
		{name: "patch as merge patch", method: "PATCH", path: "/Appointment/visit", contentType: "application/merge-patch+json", body: "{}", status: 415, code: "not-supported"},
		{name: "patch of something unknown", method: "PATCH", path: "/Appointment/new", contentType: patchJSON, body: ready, status: 404, code: "not-found"},
		{name: "patch where it is not served", cfg: sandbox.FHIRConfig{NoPatch: true}, method: "PATCH", path: "/Appointment/visit", contentType: patchJSON, body: ready, status: 405, code: "not-supported"},
		{name: "delete of an old version", method: "DELETE", path: "/Appointment/visit", header: []string{"If-Match", `W/"7"`}, status: 412, code: "conflict"},
		{name: "delete of something unknown", method: "DELETE", path: "/Appointment/new", status: 404, code: "not-found"},
		{name: "search by an unknown parameter", method: "GET", path: "/Patient?birthplace=x", status: 400, code: "not-supported"},
		{name: "search by nothing", method: "GET", path: "/Patient?identifier=", status: 400, code: "value"},
		{name: "search by a date that is none", method: "GET", path: "/Patient?_lastUpdated=gtyesterday", status: 400, code: "value"},
		{name: "search with a count that is none", method: "GET", path: "/Patient?_count=x", status: 400, code: "value"},
		{name: "search in an unknown order", method: "GET", path: "/Patient?_sort=name", status: 400, code: "not-supported"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newFHIR(t, c.cfg)
			status, header, body := call(t, c.method, s.URL()+c.path, c.contentType, c.body, c.header...)
			code := gjson.GetBytes(body, "issue.0.code").String()
			if status != c.status || code != c.code || gjson.GetBytes(body, "resourceType").String() != "OperationOutcome" {
				t.Errorf("got HTTP %d, %s, want %d, %s", status, body, c.status, c.code)
			}
			if status == 405 && header.Get("Allow") == "" {
				t.Error("got 405 without Allow")
			}
			if got := s.Count("Communication") + s.Count("Appointment") + s.Count("Patient"); got != 2 {
				t.Errorf("got %d resources afterwards, want the 2 there were", got)
			}
			if raw, _ := s.Resource("Appointment/visit"); gjson.GetBytes(raw, "meta.versionId").String() != "1" {
				t.Errorf("got a changed resource: %s", raw)
			}
		})
	}
}

func TestUpdateCreates(t *testing.T) {
	s := newFHIR(t, sandbox.FHIRConfig{UpdateCreate: true})
	body := strings.Replace(visit, "visit", "new", 1)
	if status, _, _ := call(t, http.MethodPut, s.URL()+"/Appointment/new", fhirJSON, body, "If-Match", `W/"1"`); status != http.StatusNotFound {
		t.Errorf("with If-Match: got HTTP %d, want 404", status)
	}
	if status, _, _ := call(t, http.MethodPut, s.URL()+"/Appointment/new", fhirJSON, body); status != http.StatusCreated {
		t.Errorf("got HTTP %d, want 201", status)
	}
	long := strings.Replace(visit, "visit", strings.Repeat("x", 65), 1)
	if status, _, _ := call(t, http.MethodPut, s.URL()+"/Appointment/"+strings.Repeat("x", 65), fhirJSON, long); status != http.StatusBadRequest {
		t.Errorf("an id that is too long: got HTTP %d, want 400", status)
	}
}

func TestSeedsAreRefused(t *testing.T) {
	s := newFHIR(t, sandbox.FHIRConfig{})
	for name, raw := range map[string]string{
		"not JSON": "{", "no id": `{"resourceType": "Patient"}`, "a type that is not served": `{"resourceType": "Moon", "id": "1"}`,
	} {
		if err := s.Seed(json.RawMessage(raw)); err == nil {
			t.Errorf("%s: got nil, want an error", name)
		}
	}
}
