package fhir_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"fhirbridge/fhir"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// node is JSON as it is, to compare the views with: no model knows what is in it.
type node struct{ v any }

func parse(t testing.TB, raw []byte) node {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("fixture is not JSON: %v", err)
	}
	return node{v}
}

func (n node) at(names ...string) node {
	for _, name := range names {
		object, _ := n.v.(map[string]any)
		n = node{object[name]}
	}
	return n
}

func (n node) list() []node {
	array, _ := n.v.([]any)
	out := make([]node, len(array))
	for i, v := range array {
		out[i] = node{v}
	}
	return out
}

func (n node) text() string { s, _ := n.v.(string); return s }
func (n node) there() bool  { return n.v != nil }

// tail is "Type/id" of a reference, or what was written where it is of another kind.
func (n node) tail() string {
	ref := n.at("reference").text()
	parts := strings.Split(strings.Split(ref, "/_history/")[0], "/")
	if len(parts) < 2 {
		return ref
	}
	return strings.Join(parts[len(parts)-2:], "/")
}

// tails are the references of a list.
func (n node) tails() []string {
	var out []string
	for _, ref := range n.list() {
		out = append(out, ref.tail())
	}
	return out
}

func tails(refs []fhir.Reference) []string {
	var out []string
	for _, ref := range refs {
		out = append(out, ref.String())
	}
	return out
}

func (n node) number() float64 { f, _ := n.v.(float64); return f }

func (n node) concept() fhir.Concept {
	c := fhir.Concept{Text: n.at("text").text()}
	for _, coding := range n.at("coding").list() {
		c.Codings = append(c.Codings, coding.coding())
	}
	return c
}

func (n node) coding() fhir.Coding {
	return fhir.Coding{System: n.at("system").text(), Code: n.at("code").text(), Display: n.at("display").text()}
}

func (n node) concepts() []fhir.Concept {
	var out []fhir.Concept
	for _, c := range n.list() {
		out = append(out, c.concept())
	}
	return out
}

func (n node) instant(t *testing.T) time.Time {
	if !n.there() {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, n.text())
	if err != nil {
		t.Fatalf("fixture has a bad instant: %v", err)
	}
	return at
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(got, want, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s differs from the raw JSON (-got +want):\n%s", what, diff)
	}
}

// TestHL7Examples compares everything that the views offer with the raw JSON, on
// the official examples.
func TestHL7Examples(t *testing.T) {
	want := map[string]int{
		"Appointment": 3, "Communication": 3, "CommunicationRequest": 2, "Consent": 12, "DiagnosticReport": 6, "Encounter": 10,
		"HealthcareService": 1, "Location": 6, "Organization": 3, "Patient": 22, "Practitioner": 3, "RelatedPerson": 5,
		"Schedule": 3, "Slot": 4,
	}
	got := map[string]int{}
	files, _ := filepath.Glob("testdata/hl7/*.json")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			r, err := fhir.Decode(raw)
			if err != nil {
				t.Fatalf("Decode: %v", err)
			}
			got[r.Header().Type]++
			n := parse(t, raw)
			compareHeader(t, r, n, raw)
			switch r := r.(type) {
			case *fhir.Appointment:
				compareAppointment(t, r, n)
			case *fhir.DiagnosticReport:
				compareReport(t, r, n)
			case *fhir.Patient:
				comparePatient(t, r, n)
			case *fhir.RelatedPerson:
				compareRelated(t, r, n)
			case *fhir.Location:
				compareLocation(t, r, n)
			case *fhir.Practitioner:
				compareNames(t, r.Name(noon), n)
			case *fhir.Organization:
				same(t, "Name", r.Name(), n.at("name").text())
			case *fhir.HealthcareService:
				compareService(t, r, n)
			case *fhir.Slot:
				compareSlot(t, r, n)
			case *fhir.Schedule:
				compareSchedule(t, r, n)
			case *fhir.Encounter:
				compareEncounter(t, r, n)
			case *fhir.CommunicationRequest:
				compareRequest(t, r, n)
			case *fhir.Consent:
				compareConsent(t, r, n)
			case *fhir.Communication:
				compareCommunication(t, r, n)
			}
		})
	}
	same(t, "number of examples", got, want)
}

func compareHeader(t *testing.T, r fhir.Resource, n node, raw []byte) {
	h := r.Header()
	same(t, "Header", []string{h.Type, h.ID, h.Version},
		[]string{n.at("resourceType").text(), n.at("id").text(), n.at("meta", "versionId").text()})
	same(t, "LastUpdated", h.LastUpdated, n.at("meta", "lastUpdated").instant(t))
	same(t, "Raw", string(r.Raw()), string(raw))
	peeked, err := fhir.Peek(raw)
	same(t, "Peek", peeked, h)
	same(t, "Peek error", err, nil)
}

func compareAppointment(t *testing.T, a *fhir.Appointment, n node) {
	same(t, "Status", string(a.Status()), n.at("status").text())
	same(t, "Start", a.Start(), n.at("start").instant(t))
	same(t, "End", a.End(), n.at("end").instant(t))
	same(t, "PatientInstruction", a.PatientInstruction(), n.at("patientInstruction").text())
	same(t, "CancelationReason", a.CancelationReason(), n.at("cancelationReason").concept())
	same(t, "Created", a.Created().Precision != fhir.Absent, n.at("created").there())
	same(t, "ServiceCategories", a.ServiceCategories(), n.at("serviceCategory").concepts())
	same(t, "ServiceTypes", a.ServiceTypes(), n.at("serviceType").concepts())
	same(t, "Specialties", a.Specialties(), n.at("specialty").concepts())
	same(t, "Slots", tails(a.Slots()), n.at("slot").tails())
	same(t, "Minutes", float64(a.Minutes()), n.at("minutesDuration").number())
	same(t, "SamePlaces", a.SamePlaces(a) && a.SameClinicians(a), true)
	if types := n.at("serviceType").list(); len(types) > 0 {
		same(t, "Service", a.Service(), types[0].at("coding").list()[0].at("display").text())
	}
	var want []fhir.Participant
	counts := map[string]int{}
	for i, p := range n.at("participant").list() {
		actor := fhir.Reference{Display: p.at("actor", "display").text()}
		actor.Type, actor.ID, _ = strings.Cut(p.at("actor").tail(), "/")
		participant := fhir.Participant{Index: i, Actor: actor, Status: p.at("status").text(), Required: p.at("required").text()}
		for _, c := range p.at("type").concepts() {
			for _, coding := range c.Codings {
				participant.Types = append(participant.Types, coding.Code)
			}
		}
		if participant.Required != fhir.InformationOnly || actor.Type != "Patient" {
			counts[actor.Type]++
		}
		want = append(want, participant)
	}
	same(t, "Participants", a.Participants(), want)
	same(t, "Patients", len(a.Patients()), counts["Patient"])
	same(t, "Locations", len(a.Locations()), counts["Location"])
	same(t, "Practitioners", len(a.Practitioners()), counts["Practitioner"])
}

func compareReport(t *testing.T, r *fhir.DiagnosticReport, n node) {
	same(t, "Status", string(r.Status()), n.at("status").text())
	same(t, "Subject", r.Subject().String(), n.at("subject").tail())
	same(t, "Subject.Display", r.Subject().Display, n.at("subject", "display").text())
	same(t, "Categories", r.Categories(), n.at("category").concepts())
	same(t, "Code", r.Code(), n.at("code").concept())
	same(t, "Issued", r.Issued(), n.at("issued").instant(t))
	begin := n.at("effectiveDateTime").text() + n.at("effectivePeriod", "start").text()
	same(t, "Effective", r.Effective().Time.Format("2006-01-02T15:04:05Z07:00")[:min(len(begin), 10)], begin[:min(len(begin), 10)])
	var performers, labels []string
	for _, p := range n.at("performer").list() {
		performers = append(performers, p.tail()+"|"+p.at("display").text())
	}
	var got []string
	for _, p := range r.Performers() {
		got = append(got, p.String()+"|"+p.Display)
	}
	same(t, "Performers", got, performers)
	same(t, "Interpreters", tails(r.Interpreters()), n.at("resultsInterpreter").tails())
	for _, l := range n.at("meta", "security").list() {
		labels = append(labels, l.at("code").text())
	}
	for _, c := range n.at("contained").list() {
		for _, l := range c.at("meta", "security").list() {
			labels = append(labels, l.at("code").text())
		}
	}
	got = nil
	for _, l := range r.Labels() {
		got = append(got, l.Code)
	}
	same(t, "Labels", got, labels)
	forms := n.at("presentedForm").list()
	same(t, "Forms", len(r.Forms()), len(forms))
	for i, f := range r.Forms() {
		compareAttachment(t, f, forms[i])
	}
	compareContained(t, r, n)
}

func compareAttachment(t *testing.T, a fhir.Attachment, n node) {
	same(t, "Attachment", []string{a.ContentType, a.Language, a.URL, a.Title, a.Hash},
		[]string{n.at("contentType").text(), n.at("language").text(), n.at("url").text(), n.at("title").text(), n.at("hash").text()})
	same(t, "Size", float64(a.Size), n.at("size").number())
	got, err := a.Bytes()
	same(t, "Bytes error", err, nil)
	want, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(n.at("data").text(), " ", ""))
	same(t, "fixture error", err, nil)
	same(t, "Bytes", got, want)
	same(t, "Inline", a.Inline(), n.at("data").there())
}

// compareContained looks each contained resource up that can be read.
func compareContained(t *testing.T, r fhir.Resource, n node) {
	for _, c := range n.at("contained").list() {
		id, name := c.at("id").text(), c.at("resourceType").text()
		inner, ok := fhir.Contained(r, fhir.Reference{Local: id})
		same(t, "Contained "+name, ok, fhir.Known(name))
		if ok {
			same(t, "Contained header", inner.Header().Ref(), name+"/"+id)
		}
	}
}
