package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSimulateFreeTimes: a simulation asks no server, and says so.
func TestSimulateFreeTimes(t *testing.T) {
	c, err := (&loader{file: "test.yaml", env: os.LookupEnv}).parse([]byte(soundConfig + bookable))
	must(t, err)
	book, err := loadJourneys(c)
	must(t, err)
	report, err := simulate(t.Context(), c, book, []string{filepath.Join(simulated, "booked.json")}, simulateOptions{answers: []simulatedAnswer{{true, "change"}}})
	must(t, err)
	at := func(what func(happening) bool) int { return slices.IndexFunc(report.Timeline, what) }
	note := at(func(h happening) bool {
		return strings.HasPrefix(h.Note, "Free times are looked up on the FHIR server")
	})
	asked := at(func(h happening) bool { return h.Message != nil && h.Message.Step == "answer:change:asked" })
	task := at(func(h happening) bool { return h.Write != nil && h.Write.To == "Task" })
	if note < 0 || asked < note || task < note {
		t.Errorf("the note, what is said and the Task are lines %d, %d and %d", note, asked, task)
	}
}
