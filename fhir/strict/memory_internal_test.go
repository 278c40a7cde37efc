package strict

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir"
)

// sample is a Communication with something in each element that the bridge writes.
func sample(t testing.TB) []byte {
	at := time.Date(2026, 3, 5, 9, 0, 0, 0, time.UTC)
	raw, err := fhir.CommunicationDraft{
		Identifiers:  []fhir.Identifier{{System: "urn:fhirbridge:attempt", Value: "a1b2"}},
		Instantiates: []string{"urn:fhirbridge:template:appointment_booked:en"},
		Status:       fhir.CommunicationCompleted, Priority: "routine", MediumSystem: "urn:fhirbridge:medium",
		StatusReason: fhir.Concept{Codings: []fhir.Coding{{System: fhir.NotDoneReasonSystem, Code: "unknown"}}},
		Categories:   []fhir.Concept{{Codings: []fhir.Coding{{System: fhir.CommunicationCategorySystem, Code: "reminder"}}}},
		Subject:      fhir.Ref("Patient", "p1"), Encounter: fhir.Ref("Encounter", "e1"), Topic: fhir.Concept{Text: "Appointment"},
		About: []fhir.Reference{fhir.Ref("Appointment", "a1")}, PartOf: []fhir.Reference{{Type: "Communication", Identifier: fhir.Identifier{System: "urn:x", Value: "7"}}},
		InResponseTo: []fhir.Reference{fhir.Ref("Communication", "c1")}, BasedOn: []fhir.Reference{fhir.Ref("CommunicationRequest", "q1")},
		Reasons: []fhir.Reference{fhir.Ref("DiagnosticReport", "r1")}, Files: []fhir.Reference{fhir.Ref("DocumentReference", "d1")},
		Sent: at, Received: at.Add(123 * time.Millisecond), Sender: fhir.Reference{Type: "Organization", Display: "Harbour Hospital"},
		Recipients: []fhir.Reference{fhir.Ref("Patient", "p1")}, Payload: []string{"Dear Amara,\nyour visit is on March 9."},
		Notes: []fhir.Note{{Text: "Read as: confirm", Time: at, Author: fhir.Reference{Type: "Organization", Display: "us"}}},
	}.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestOutline: values of the same form have one outline, and whatever google/fhir looks at has another one.
func TestOutline(t *testing.T) {
	raw := string(sample(t))
	if found := Validate([]byte(raw)); len(found) > 0 {
		t.Fatal(found)
	}
	want, ok := outline([]byte(raw))
	if !ok {
		t.Fatal("no outline")
	}
	for _, c := range []struct {
		old, now string
		same     bool
	}{
		{`Dear Amara,\nyour`, `Привіт \"Amara\" 👍`, true},
		{`"Patient/p1"`, `"Patient/A-9.x"`, true},
		{`2026-03-05T09:00:00Z`, `2027-12-31T23:59:59Z`, true},
		{`2026-03-05T09:00:00.123Z`, `2027-12-31T23:59:59.001Z`, true},
		{`"a1b2"`, `"zz"`, true},
		{`"Patient/p1"`, `"Patient/p_1"`, false},
		{`"Patient/p1"`, `"Patient/` + strings.Repeat("x", 65) + `"`, false},
		{`"Patient/p1"`, `"Location/p1"`, false},
		{`"Patient/p1"`, `"Patient/p1/_history/2"`, false},
		{`"Patient/p1"`, `"#p1"`, false},
		{`"CommunicationRequest/q1"`, `"Communication/q1"Request`, false},
		{`2026-03-05T09:00:00Z`, `2026-02-30T09:00:00Z`, false},
		{`2026-03-05T09:00:00Z`, `2026-03-05T09:00:00,5Z`, false},
		{`2026-03-05T09:00:00Z`, `2026-03-05`, false},
		{`"completed"`, `"finished"`, false},
		{`"reminder"`, `"rem inder"`, false},
		{`"a1b2"`, `""`, false},
		{`"a1b2"`, `" "`, false},
		{`"a1b2"`, `"a\u0007"`, false},
		{`"a1b2"`, `7`, false},
		{`"subject"`, `"subjekt"`, false},
		{`"sent"`, `"sent" `, false},
		{`"a1b2"`, `"a1b2","id":"x"`, false},
	} {
		other := strings.Replace(raw, c.old, c.now, 1)
		if other == raw {
			t.Fatalf("%s is not there", c.old)
		}
		got, ok := outline([]byte(other))
		if same := ok && bytes.Equal(got, want); same != c.same {
			t.Errorf("%s for %s: same outline %t, want %t", c.now, c.old, same, c.same)
		}
	}
}

// TestMemoryIsAsStrict changes valid Communications at random, and values above all: what a Memory finds nothing wrong with, google/fhir
// finds nothing wrong with either.
func TestMemoryIsAsStrict(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	m := NewMemory()
	known := 0
	all := [][]byte{sample(t)}
	files, _ := filepath.Glob("../testdata/hl7/Communication-*.json")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		var compact bytes.Buffer
		if err != nil || json.Compact(&compact, raw) != nil {
			t.Fatal(file, err)
		}
		all = append(all, compact.Bytes())
	}
	for _, raw := range all {
		m.Validate(raw)
	}
	for range 15_000 {
		raw := bytes.Clone(all[r.IntN(len(all))])
		for range 1 + r.IntN(2) {
			raw = changed(r, raw)
		}
		line, ok := outline(raw)
		if _, there := m.valid[sha256.Sum256(line)]; !ok || !there {
			continue
		}
		known++
		if found := Validate(raw); len(found) > 0 {
			t.Fatalf("seed %d: %v, and remembered as valid: %s", seed, found, raw)
		}
	}
	if known < 150 {
		t.Errorf("only %d of the changed ones are known", known)
	}
}

// changed puts another value in the place of one, or another byte.
func changed(r *rand.Rand, raw []byte) []byte {
	values := []string{
		"x", "", " ", "\\n", "\\t", "\\u0000", "\\u0007", "\\ud800", "\\/", "<b>&", "\u00a0", "\u2028", "\x7f", "👍", "مرحبا", strings.Repeat("long ", 2000),
		"Patient/1", "Patient/a.b-C", "Patient/a_b", "Location/1", "Jane/1", "#x", "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "http://x.example/Patient/1",
		"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.678Z", "2026-02-29T03:04:05Z", "2026-01-02T24:00:00Z", "2026-01-02T03:04:60Z", "0000-01-02T03:04:05Z", "2026-01-02T03:04:05+14:00", "2026",
	}
	quotes := [][]int{}
	for i := 0; i < len(raw); i++ {
		if raw[i] == '"' {
			if n := textLength(raw[i+1:]); n >= 0 {
				quotes = append(quotes, []int{i + 1, i + 1 + n})
				i += n + 1
			}
		}
	}
	if r.IntN(8) == 0 || len(quotes) == 0 {
		raw[r.IntN(len(raw))] = byte(r.IntN(256))
		return raw
	}
	at := quotes[r.IntN(len(quotes))]
	return slices.Concat(raw[:at[0]], []byte(values[r.IntN(len(values))]), raw[at[1]:])
}

// TestMemoryForgets: it does not grow without end.
func TestMemoryForgets(t *testing.T) {
	m := NewMemory()
	for i := range remembered {
		m.valid[sha256.Sum256([]byte(fmt.Sprint(i)))] = true
	}
	if found := m.Validate(sample(t)); len(found) > 0 || len(m.valid) != 1 {
		t.Errorf("found %v, keeps %d", found, len(m.valid))
	}
}

func BenchmarkMemory(b *testing.B) {
	raw, m := sample(b), NewMemory()
	b.ReportAllocs()
	for b.Loop() {
		if found := m.Validate(raw); len(found) > 0 {
			b.Fatal(found)
		}
	}
}
