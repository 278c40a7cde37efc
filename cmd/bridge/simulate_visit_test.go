package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fhirbridge/configs"
)

// simulatedVisit plays a file by the shipped journeys, and returns what was said and written.
func simulatedVisit(t *testing.T, file string, answers ...simulatedAnswer) (said, written string) {
	t.Helper()
	o := simulateOptions{config: filepath.Join(t.TempDir(), "none.yaml"), answers: answers}
	c, err := o.configuration(false)
	must(t, err)
	book, err := loadJourneys(c)
	must(t, err)
	s, err := simulate(t.Context(), c, book, []string{file}, o)
	must(t, err)
	var messages, writes []string
	for _, h := range s.Timeline {
		if h.Message != nil {
			messages = append(messages, h.At.Format("02 15:04 ")+h.Message.Journey+" "+h.Message.Step)
		}
		if h.Write != nil && h.Write.To != "Communication" {
			writes = append(writes, h.Write.To+": "+h.Write.Meaning)
		}
	}
	return strings.Join(messages, "\n"), strings.Join(writes, "\n")
}

// TestSimulateAVisit: a visit that takes place is simulated from its events in their order, with the answers to both of its journeys.
func TestSimulateAVisit(t *testing.T) {
	said, written := simulatedVisit(t, filepath.Join(simulated, "visit_takes_place.ndjson"),
		simulatedAnswer{true, "survey_poor"}, simulatedAnswer{false, "It took long."})
	want := "09 10:20 waiting late\n09 10:40 waiting late\n09 14:50 survey visit\n09 14:51 survey answer:survey_poor\n09 14:52 survey answer:survey_comment"
	if !strings.HasSuffix(said, want) {
		t.Errorf("said:\n%s\nwant:\n%s", said, want)
	}
	for _, want := range []string{
		"QuestionnaireResponse: completed, survey, 2, of Encounter/1", "QuestionnaireResponse: completed, survey_comment, of Encounter/1",
		"Task: requested, WhatsApp: survey poor, on Encounter/1", "Task: requested, WhatsApp: survey comment, on Encounter/1",
	} {
		if !strings.Contains(written, want) {
			t.Errorf("written:\n%s\nwant: %s", written, want)
		}
	}
}

// TestSimulateABundleOfAVisit: a visit and what it was booked as may come in one record. The appointment that comes along is not
// kept as something that others name: it starts its own journeys.
func TestSimulateABundleOfAVisit(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(simulated, "visit_takes_place.ndjson"))
	must(t, err)
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	entries := []string{lines[2], lines[1], lines[0]} // the visit first
	for i, line := range entries {
		entries[i] = `{"resource":` + strings.ReplaceAll(line, "2027-03-09T09:50", "2027-03-01T09:00") + `}`
	}
	file := filepath.Join(t.TempDir(), "bundle.json")
	must(t, os.WriteFile(file, []byte(`{"resourceType":"Bundle","type":"collection","entry":[`+strings.Join(entries, ",")+`]}`), 0o600))
	said, _ := simulatedVisit(t, file)
	if !strings.HasPrefix(said, "01 09:00 appointment booked") || strings.Count(said, "waiting late") != 3 {
		t.Errorf("said:\n%s", said)
	}
}

// TestSimulateAnExpectedDelay: what a hospital says of a delay, in an element of its own, is told at once.
func TestSimulateAnExpectedDelay(t *testing.T) {
	dir := t.TempDir()
	journeys := filepath.Join(dir, "journeys")
	must(t, os.Mkdir(journeys, 0o700))
	shipped, err := fs.ReadFile(configs.Journeys(), "waiting.yaml")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(journeys, "waiting.yaml"), []byte(strings.Replace(string(shipped), "\nonly:", "\nestimate: expected_delay\nonly:", 1)), 0o600))
	l := &loader{file: "test.yaml", env: os.LookupEnv}
	c, err := l.parse([]byte(fmt.Sprintf(`
kafka: {brokers: ["127.0.0.1:9092"]}
fhir: {base_url: "http://127.0.0.1/fhir"}
channels: [{name: main, provider: cloudapi, phone_number_id: "1", access_token: token, app_secret: secret, verify_token: verify}]
ledger: {url: "sqlite:bridge.db", plaintext: true}
facility: {name: Harbour Hospital, timezone: Europe/Berlin, country: DE}
journeys: %q
fields:
  expected_delay: {path: "extension.where(url = 'https://your.host/delay').value", of: Encounter, class: schedule}
`, journeys)))
	must(t, err)
	book, err := loadJourneys(c)
	must(t, err)
	raw, err := os.ReadFile(filepath.Join(simulated, "visit_takes_place.ndjson"))
	must(t, err)
	file := filepath.Join(dir, "visit.ndjson")
	raw = []byte(strings.Replace(string(raw), `"status":"arrived"`, `"status":"arrived","extension":[{"url":"https://your.host/delay","valueInteger":47}]`, 1))
	must(t, os.WriteFile(file, raw, 0o600))
	s, err := simulate(t.Context(), c, book, []string{file}, simulateOptions{})
	must(t, err)
	var said []string
	for _, h := range s.Timeline {
		if h.Message != nil {
			said = append(said, h.At.Format("15:04 ")+h.Message.Parameters["minutes"])
		}
	}
	if got, want := strings.Join(said, ", "), "09:50 45"; got != want { // at 10:50, before 65 minutes, it is over
		t.Errorf("said %s, want %s", got, want)
	}
}
