package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
