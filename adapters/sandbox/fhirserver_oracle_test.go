package sandbox_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
)

// inboxMessage is a Communication that Oracle Health takes.
var inboxMessage = `{"resourceType":"Communication","status":"completed","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/communication-category","code":"notification"}]}],` +
	`"priority":"routine","subject":{"reference":"Patient/erika"},"topic":{"text":"WhatsApp"},"sender":{"reference":"Practitioner/p"},"recipient":[{"reference":"Group/g"}],` +
	`"payload":[{"contentAttachment":{"contentType":"text/plain;charset=utf-8","data":"` + base64.StdEncoding.EncodeToString([]byte("Hello")) + `"}}]}`

func TestOracleCommunication(t *testing.T) {
	s := newFHIR(t, sandbox.FHIRConfig{Oracle: true})
	post := func(body string) (int, http.Header, []byte) {
		return call(t, http.MethodPost, s.URL()+"/Communication", fhirJSON, body, "If-None-Exist", "identifier=urn:x|1")
	}
	status, header, body := post(inboxMessage)
	if status != http.StatusCreated || len(body) > 0 || header.Get("Location") == "" {
		t.Errorf("got HTTP %d, %q; want 201, nothing but a Location", status, body)
	}
	post(inboxMessage)
	if got := s.Count("Communication"); got != 2 {
		t.Errorf("got %d, want two: it knows no condition", got)
	}
	for element, change := range map[string][2]string{
		"Communication.identifier": {`"status"`, `"identifier":[{"value":"1"}],"status"`},
		"Communication.sent":       {`"status"`, `"sent":"2026-03-01T12:00:00Z","status"`},
		"Communication.status":     {`"completed"`, `"in-progress"`},
		"Communication.category":   {`"code":"notification"`, `"code":"alert"`},
		"Communication.priority":   {`"routine"`, `"stat"`},
		"Communication.subject":    {`"Patient/erika"`, `"Group/g"`},
		"Communication.topic":      {`{"text":"WhatsApp"}`, `{"coding":[{"code":"x"}]}`},
		"Communication.sender":     {`"Practitioner/p"`, `"Patient/erika"`},
		"Communication.recipient":  {`"Group/g"`, `"Organization/o"`},
		"Communication.payload":    {`"text/plain;charset=utf-8"`, `"application/pdf"`},
	} {
		status, _, body := post(strings.Replace(inboxMessage, change[0], change[1], 1))
		if got := gjson.GetBytes(body, "issue.0.expression.0").String(); status != http.StatusUnprocessableEntity || got != element {
			t.Errorf("%s: got HTTP %d at %s, want 422", element, status, got)
		}
	}
	status, _, _ = post(strings.Replace(inboxMessage, `{"contentAttachment":`, `{"contentString":"x"},{"contentAttachment":`, 1))
	if status != http.StatusUnprocessableEntity {
		t.Errorf("two payloads: got HTTP %d, want 422", status)
	}
}

func TestOracleTakesNoMore(t *testing.T) {
	s := newFHIR(t, sandbox.FHIRConfig{Oracle: true})
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{http.MethodPut, "/Appointment/visit", http.StatusMethodNotAllowed},
		{http.MethodPost, "/Task", http.StatusMethodNotAllowed},
		{http.MethodDelete, "/Appointment/visit", http.StatusMethodNotAllowed},
		{http.MethodPatch, "/Patient/erika", http.StatusMethodNotAllowed},
		{http.MethodGet, "/Communication?identifier=urn:x%7C1", http.StatusBadRequest},
		{http.MethodGet, "/Communication?category=x&recipient=Group/g&received=ge2026-01-01", http.StatusBadRequest},
		{http.MethodGet, "/Communication?_id=1", http.StatusOK},
		{http.MethodGet, "/Appointment?patient=erika", http.StatusBadRequest},
		{http.MethodGet, "/Patient?phone=%2B15550100123", http.StatusOK},
	} {
		if status, _, _ := call(t, c.method, s.URL()+c.path, fhirJSON, visit); status != c.want {
			t.Errorf("%s %s: got HTTP %d, want %d", c.method, c.path, status, c.want)
		}
	}
	_, _, body := call(t, http.MethodGet, s.URL()+"/metadata", "", "")
	declares := func(kind, what string) bool {
		return strings.Contains(gjson.GetBytes(body, `rest.0.resource.#(type=="`+kind+`")`).Raw, what)
	}
	for _, c := range []struct {
		kind, what string
		want       bool
	}{
		{"Communication", `"code":"create"`, true}, {"Communication", `"code":"update"`, false}, {"Communication", `"name":"identifier"`, false}, {"Communication", `"conditionalCreate":false`, true},
		{"Appointment", `"code":"patch"`, true}, {"Appointment", `"code":"create"`, false}, {"Task", `"code":"create"`, false}, {"Patient", `"name":"identifier"`, true},
	} {
		if got := declares(c.kind, c.what); got != c.want {
			t.Errorf("%s declares %s: %v, want %v", c.kind, c.what, got, c.want)
		}
	}
}

func TestOracleAppointment(t *testing.T) {
	const tentative, set = `"Patient/erika"}, "status": "tentative"`, `[{"op":"replace","path":"%","value":"@"}]`
	patch := func(s *sandbox.FHIRServer, body string, header ...string) int {
		status, _, _ := call(t, http.MethodPatch, s.URL()+"/Appointment/visit", patchJSON, body, header...)
		return status
	}
	one := func(path, value string) string { return strings.NewReplacer("%", path, "@", value).Replace(set) }
	v1 := []string{"If-Match", `W/"2"`}
	for _, c := range []struct {
		name, was, body string
		header          []string
		want            int
		path, value     string
	}{
		{"the patient comes", tentative, one("/patient-status", "accepted"), v1, 200, "participant.0.status", "accepted"},
		{"who has not been asked", `"Patient/erika"}, "status": "needs-action"`, one("/patient-status", "accepted"), v1, 422, "participant.0.status", "needs-action"},
		{"the patient does not come", tentative, one("/patient-status", "declined"), v1, 422, "participant.0.status", "tentative"},
		{"in R4's way", tentative, one("/participant/0/status", "accepted"), v1, 422, "participant.0.status", "tentative"},
		{"with a test", tentative, `[{"op":"test","path":"/status","value":"booked"},` + one("/status", "cancelled")[1:], v1, 422, "status", "booked"},
		{"cancelled", tentative, `[{"op":"add","path":"/cancelationReason","value":{"coding":[{"code":"pat"}]}},` + one("/status", "cancelled")[1:], v1, 200, "status", "cancelled"},
		{"a reason in words", tentative, `[{"op":"add","path":"/cancelationReason","value":{"text":"x"}},` + one("/status", "cancelled")[1:], v1, 422, "status", "booked"},
		{"proposed", tentative, one("/status", "proposed"), v1, 422, "status", "booked"},
		{"moved", tentative, one("/start", "2036-05-04T10:00:00Z"), v1, 422, "status", "booked"},
		{"without If-Match", tentative, one("/patient-status", "accepted"), nil, 412, "participant.0.status", "tentative"},
		{"another version", tentative, one("/patient-status", "accepted"), []string{"If-Match", `W/"1"`}, 409, "participant.0.status", "tentative"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newFHIR(t, sandbox.FHIRConfig{Oracle: true})
			if err := s.Seed([]byte(strings.Replace(visit, `"Patient/erika"}, "status": "needs-action"`, c.was, 1))); err != nil {
				t.Fatal(err)
			}
			if got := patch(s, c.body, c.header...); got != c.want {
				t.Errorf("got HTTP %d, want %d", got, c.want)
			}
			raw, _ := s.Resource("Appointment/visit")
			if got := gjson.GetBytes(raw, c.path).String(); got != c.value {
				t.Errorf("%s is %q, want %q", c.path, got, c.value)
			}
		})
	}
}

func TestServersThatTakeLess(t *testing.T) {
	s := newFHIR(t, sandbox.FHIRConfig{NoUpdate: true, NoConditionalCreate: true, NoIdentifierSearch: true, NoVersions: true, Creates: []string{"Communication"}})
	if status, _, _ := call(t, http.MethodPut, s.URL()+"/Appointment/visit", fhirJSON, visit); status != http.StatusMethodNotAllowed {
		t.Errorf("PUT: got HTTP %d, want 405", status)
	}
	if status, _, _ := call(t, http.MethodPost, s.URL()+"/Task", fhirJSON, `{"resourceType":"Task"}`); status != http.StatusMethodNotAllowed {
		t.Errorf("a Task: got HTTP %d, want 405", status)
	}
	for range 2 {
		call(t, http.MethodPost, s.URL()+"/Communication", fhirJSON, reply("a"), "If-None-Exist", "identifier=urn:wamid|a")
	}
	if got := s.Count("Communication"); got != 2 {
		t.Errorf("got %d Communications, want the condition passed over: 2", got)
	}
	if status, _, _ := call(t, http.MethodGet, s.URL()+"/Communication?identifier=urn:wamid%7Ca", "", ""); status != http.StatusBadRequest {
		t.Errorf("search by identifier: got HTTP %d, want 400", status)
	}
	_, header, body := call(t, http.MethodGet, s.URL()+"/Appointment/visit", "", "")
	if header.Get("ETag") != "" || gjson.GetBytes(body, "meta.versionId").Exists() || !gjson.GetBytes(body, "meta.lastUpdated").Exists() {
		t.Errorf("it tells its version: %v, %s", header.Get("ETag"), gjson.GetBytes(body, "meta"))
	}
}
