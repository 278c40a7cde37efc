package sandbox_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
)

func TestSearch(t *testing.T) {
	now := newClock()
	s := newFHIR(t, sandbox.FHIRConfig{Clock: now.now})
	now.move(time.Hour)
	seeds := []string{
		`{"resourceType": "Patient", "id": "max", "telecom": [{"system": "phone", "value": "+15550100123"}, {"system": "sms", "value": "+15550100199"}]}`,
		`{"resourceType": "Communication", "id": "c1", "status": "completed", "subject": {"reference": "Patient/erika"}}`,
		`{"resourceType": "Communication", "id": "c2", "status": "preparation", "subject": {"reference": "` + s.URL() + `/Patient/erika"}}`,
		`{"resourceType": "Communication", "id": "c3", "status": "completed", "subject": {"reference": "Group/erika"}}`,
		`{"resourceType": "AppointmentResponse", "id": "r1", "appointment": {"reference": "Appointment/visit"}, "actor": {"reference": "Patient/erika"}}`,
		`{"resourceType": "RelatedPerson", "id": "p1", "patient": {"reference": "Patient/erika"}, "telecom": [{"system": "phone", "value": "+15550100150"}]}`,
		`{"resourceType": "Schedule", "id": "k1", "actor": [{"reference": "Practitioner/dr-a"}]}`,
		`{"resourceType": "Slot", "id": "s2", "status": "free", "schedule": {"reference": "Schedule/k1"}, "start": "2026-05-04T10:00:00+02:00", "end": "2026-05-04T10:20:00+02:00", "serviceType": [{"coding": [{"system": "urn:types", "code": "scan"}]}]}`,
		`{"resourceType": "Slot", "id": "s1", "status": "free", "schedule": {"reference": "Schedule/k1"}, "start": "2026-05-04T07:30:00Z", "end": "2026-05-04T07:50:00Z"}`,
		`{"resourceType": "Slot", "id": "s0", "status": "busy", "schedule": {"reference": "Schedule/k2"}, "start": "2026-05-03T10:00:00+02:00", "end": "2026-05-03T10:20:00+02:00"}`,
	}
	for _, seed := range seeds {
		if err := s.Seed([]byte(seed)); err != nil {
			t.Fatal(err)
		}
	}
	cases := []struct{ name, query, want string }{
		{"everything", "Patient", "erika max"},
		{"by id", "Patient?_id=max,none", "max"},
		{"by identifier", "Patient?identifier=urn%3Amrn%7C1", "erika"},
		{"by the value of an identifier", "Patient?identifier=1", "erika"},
		{"by the system of an identifier", "Patient?identifier=urn:mrn|", "erika"},
		{"by an identifier without system", "Patient?identifier=|1", ""},
		{"by one of two identifiers", "Patient?identifier=urn:mrn|2,urn:mrn|1", "erika"},
		{"by phone", "Patient?phone=%2B15550100123", "erika max"},
		{"by a phone whose plus was not escaped", "Patient?phone=+15550100123", ""},
		{"by phone, which is not SMS", "Patient?phone=%2B15550100199", ""},
		{"by any telecom", "Patient?telecom=%2B15550100199", "max"},
		{"by telecom and id", "Patient?telecom=%2B15550100123&_id=max", "max"},
		{"by patient", "Communication?patient=Patient/erika", "c1 c2"},
		{"by the id of a patient", "Communication?patient=erika", "c1 c2"},
		{"by the URL of a patient", "Communication?subject=" + url.QueryEscape(s.URL()+"/Patient/erika"), "c1 c2"},
		{"by subject, of whatever type", "Communication?subject=erika", "c1 c2 c3"},
		{"by status", "Communication?status=completed&patient=erika", "c1"},
		{"by one of two statuses", "Communication?status=completed,preparation", "c1 c2 c3"},
		{"by participant", "Appointment?patient=Patient/erika&status=booked", "visit"},
		{"by a participant of another type", "Appointment?patient=dr-a", ""},
		{"by actor", "Appointment?actor=Practitioner/dr-a", "visit"},
		{"by appointment", "AppointmentResponse?appointment=visit&actor=Patient/erika", "r1"},
		{"by the patient of a relative", "RelatedPerson?patient=erika&phone=%2B15550100150", "p1"},
		{"by time", "Patient?_lastUpdated=gt2026-05-01T08:30:00Z", "max"},
		{"by a span of time", "Patient?_lastUpdated=ge2026-05-01&_lastUpdated=lt2026-05-01T09:00:00.000Z", "erika"},
		{"by a day", "Patient?_lastUpdated=2026-05-01", "erika max"},
		{"by another month", "Patient?_lastUpdated=ne2026-05", ""},
		{"by a year", "Patient?_lastUpdated=le2025", ""},
		{"newest first", "Patient?_sort=-_lastUpdated", "max erika"},
		{"schedules by actor", "Schedule?actor=Practitioner/dr-a", "k1"},
		{"slots that are free, the earliest first", "Slot?status=free&_sort=start", "s1 s2"},
		{"slots, the latest first", "Slot?_sort=-start", "s2 s1 s0"},
		{"slots of one of two schedules", "Slot?schedule=Schedule/k2,k3", "s0"},
		{"slots by code and system", "Slot?service-type=urn:types%7Cscan", "s2"},
		{"slots by code", "Slot?service-type=other,scan", "s2"},
		{"slots of a code in another system", "Slot?service-type=urn:others%7Cscan", ""},
		{"slots in a span of time, whatever the offset", "Slot?start=ge2026-05-04T08:00:00Z&start=lt2026-05-05T00:00:00Z", "s2"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			status, _, body := call(t, http.MethodGet, s.URL()+"/"+c.query, "", "")
			if got := ids(body); status != http.StatusOK || got != c.want {
				t.Errorf("got HTTP %d, %q, want %q", status, got, c.want)
			}
		})
	}
	status, _, body := call(t, http.MethodPost, s.URL()+"/Patient/_search", "application/x-www-form-urlencoded", "phone=%2B15550100123&_id=erika")
	if got := ids(body); status != http.StatusOK || got != "erika" {
		t.Errorf("by POST: got HTTP %d, %q, want erika", status, got)
	}
}

func ids(body []byte) string {
	var all []string
	for _, id := range gjson.GetBytes(body, "entry.#.resource.id").Array() {
		all = append(all, id.String())
	}
	return strings.Join(all, " ")
}

func TestSearchComesInPages(t *testing.T) {
	s := newFHIR(t, sandbox.FHIRConfig{PageSize: 4})
	for i := range 10 {
		if err := s.Seed(fmt.Appendf(nil, `{"resourceType": "Communication", "id": "c%d", "status": "completed"}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		query string
		pages int
	}{{"?status=completed", 3}, {"?_count=5", 2}, {"?_count=10", 1}} {
		var got []string
		next := s.URL() + "/Communication" + c.query
		pages := 0
		for ; next != ""; pages++ {
			_, _, body := call(t, http.MethodGet, next, "", "")
			if total := gjson.GetBytes(body, "total").Int(); total != 10 {
				t.Fatalf("got a total of %d, want 10", total)
			}
			got = append(got, ids(body))
			next = gjson.GetBytes(body, `link.#(relation=="next").url`).String()
		}
		if all := strings.Join(got, " "); all != "c0 c1 c2 c3 c4 c5 c6 c7 c8 c9" || pages != c.pages {
			t.Errorf("%s: got %q in %d pages, want all in %d", c.query, all, pages, c.pages)
		}
	}
}

func TestMetadataSaysWhatIsServed(t *testing.T) {
	base := newFHIR(t, sandbox.FHIRConfig{}).URL()
	if status, _, _ := call(t, http.MethodGet, strings.TrimSuffix(base, "fhir")+"metadata", "", ""); status != http.StatusNotFound {
		t.Errorf("outside of the base: got HTTP %d, want 404", status)
	}
	for _, c := range []struct {
		cfg  sandbox.FHIRConfig
		want string
	}{
		{sandbox.FHIRConfig{Token: "needs none"}, `["read","vread","history-instance","search-type","create","update","delete","patch"]`},
		{sandbox.FHIRConfig{NoPatch: true}, `["read","vread","history-instance","search-type","create","update","delete"]`},
		{sandbox.FHIRConfig{ReadOnly: true}, `["read","vread","history-instance","search-type"]`},
	} {
		s := newFHIR(t, c.cfg)
		status, _, body := call(t, http.MethodGet, s.URL()+"/metadata", "", "")
		if status != http.StatusOK || gjson.GetBytes(body, "fhirVersion").String() != "4.0.1" {
			t.Errorf("got HTTP %d, version %s", status, gjson.GetBytes(body, "fhirVersion"))
		}
		patient := gjson.GetBytes(body, `rest.0.resource.#(type=="Patient")`)
		if got := patient.Get("interaction.#.code").Raw; got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
		if got := patient.Get("searchParam.#.name").Raw; got != `["_id","_lastUpdated","identifier","phone","telecom"]` {
			t.Errorf("got parameters %s", got)
		}
	}
}

func TestFHIRFaultsHappenAsOrdered(t *testing.T) {
	cases := []struct {
		name       string
		fault      sandbox.FHIRFault
		status     int
		retryAfter string
		location   bool
		body       string // a part of it
		created    bool
	}{
		{name: "busy", fault: sandbox.FHIRFault{Fault: sandbox.Fault{Status: 503, RetryAfter: 3 * time.Second}}, status: 503, retryAfter: "3", body: `"throttled"`},
		{name: "broken", fault: sandbox.FHIRFault{Fault: sandbox.Fault{Status: 500}}, status: 500, body: `"exception"`},
		{name: "a page that says 200", fault: sandbox.FHIRFault{Fault: sandbox.Fault{Status: 200, ContentType: "text/html", Body: "<html>"}}, status: 200, body: "<html>"},
		{name: "no Location", fault: sandbox.FHIRFault{NoLocation: true}, status: 201, body: `"Communication"`, created: true},
		{name: "the request is lost", fault: sandbox.FHIRFault{Fault: sandbox.Fault{Cut: true}}},
		{name: "the answer is lost", fault: sandbox.FHIRFault{Fault: sandbox.Fault{Cut: true, Act: true}}, created: true},
		{name: "broken though it was done", fault: sandbox.FHIRFault{Fault: sandbox.Fault{Status: 500, Act: true}}, status: 500, body: `"exception"`, created: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newFHIR(t, sandbox.FHIRConfig{})
			asked := make(chan sandbox.FHIRRequest, 2)
			s.Fail(func(r sandbox.FHIRRequest) *sandbox.FHIRFault {
				asked <- r
				return &c.fault
			})
			status, header, body := call(t, http.MethodPost, s.URL()+"/Communication", fhirJSON, reply("a"), "If-None-Exist", "identifier=a")
			if status != c.status || header.Get("Retry-After") != c.retryAfter || header.Get("Location") != "" || !strings.Contains(string(body), c.body) {
				t.Errorf("got HTTP %d, %v, %s", status, header, body)
			}
			if got := s.Count("Communication") == 1; got != c.created {
				t.Errorf("got created %t, want %t", got, c.created)
			}
			want := sandbox.FHIRRequest{Method: "POST", Type: "Communication", IfNoneExist: "identifier=a", Number: 1}
			if got := <-asked; got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			s.Fail(nil)
			if status, _, _ := call(t, http.MethodGet, s.URL()+"/Patient/erika", "", ""); status != http.StatusOK {
				t.Errorf("afterwards: got HTTP %d, want 200", status)
			}
		})
	}
}

func TestFHIRAwaitAndLatency(t *testing.T) {
	s := newFHIR(t, sandbox.FHIRConfig{Latency: 20 * time.Millisecond})
	done := make(chan error, 1)
	go func() { done <- s.Await(t.Context(), func() bool { return s.Count("Communication") == 1 }) }()
	start := time.Now()
	call(t, http.MethodPost, s.URL()+"/Communication", fhirJSON, reply("a"))
	if got := time.Since(start); got < 20*time.Millisecond {
		t.Errorf("got an answer after %v, want 20 ms at least", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
