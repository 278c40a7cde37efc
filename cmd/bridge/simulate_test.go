package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const simulated = "testdata/simulate"

// simulatedBook is the configuration and the journeys of all simulations here.
func simulatedBook(t *testing.T) (*Config, *journey.Book) {
	t.Helper()
	c, _, err := load(filepath.Join(simulated, "bridge.yaml"), forCheck)
	must(t, err)
	book, err := loadJourneys(c)
	must(t, err)
	return c, book
}

// TestSimulate shows each simulation as people and as machines get it: the golden files are to be read.
func TestSimulate(t *testing.T) {
	c, book := simulatedBook(t)
	tap, write := func(name string) simulatedAnswer { return simulatedAnswer{true, name} }, func(words string) simulatedAnswer { return simulatedAnswer{false, words} }
	for _, x := range []struct {
		name, file string
		json       bool
		o          simulateOptions
	}{
		{"booked_and_confirmed", "booked.json", true, simulateOptions{answers: []simulatedAnswer{tap("confirm")}}},
		{"booked_and_cancelled_by_the_patient", "booked.json", false, simulateOptions{answers: []simulatedAnswer{tap("cancel"), tap("sure"), write("sicher")}}},
		{"booked_and_stopped", "booked.json", false, simulateOptions{answers: []simulatedAnswer{write("Stopp!")}}},
		{"history_is_no_news", "booked.json", false, simulateOptions{at: "2027-03-20T12:00"}},
		{"moved_and_cancelled", "moved_and_cancelled.ndjson", false, simulateOptions{}},
		{"elsewhere_somebody_unknown_asks", "elsewhere.json", true, simulateOptions{at: "2027-03-26T23:00:00Z", lang: "de", answers: []simulatedAnswer{write("Wo ist das?")}}},
		{"deceased", "deceased.ndjson", false, simulateOptions{}},
		{"deleted", "deleted.json", false, simulateOptions{}},
		{"faulty", "faulty.ndjson", true, simulateOptions{}},
	} {
		t.Run(x.name, func(t *testing.T) {
			var forPeople, forMachines, again bytes.Buffer
			for _, out := range []*bytes.Buffer{&forMachines, &again} {
				report, err := simulate(t.Context(), c, book, []string{filepath.Join(simulated, x.file)}, x.o)
				must(t, err)
				must(t, printJSON(out, report))
				forPeople.Reset()
				must(t, report.print(&forPeople))
			}
			golden(t, x.name+".txt", forPeople.Bytes())
			if x.json {
				golden(t, x.name+".json", forMachines.Bytes())
			}
			if !bytes.Equal(forMachines.Bytes(), again.Bytes()) {
				t.Error("the same simulation comes out otherwise the second time")
			}
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join(simulated, "golden", name)
	if *update {
		must(t, os.WriteFile(file, got, 0o600))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// TestSimulateHolds: what a gate puts off is said when it lets go, and what it never lets go expires.
func TestSimulateHolds(t *testing.T) {
	c, book := simulatedBook(t)
	for _, x := range []struct {
		name string
		gate pipeline.Gate
		want []string
	}{
		{"until the morning", pipeline.GateQuiet{From: 8 * 60, To: 11 * 60, Zone: zoneOf(t)}, []string{
			" ✗ Patient/7: visit booked waits until Mon 2027-03-01 11:00: quiet",
			"Mon 2027-03-01 11:00 CET   ▶ +15550100123  Patient/7: visit booked, template visit_told (de)",
			"Sun 2027-03-28 11:00 CEST  ▶ +15550100123  Patient/7: visit day, template visit_told (de)",
		}},
		{"for ever", holding{}, []string{
			" ✗ Patient/7: visit booked waits until Mon 2027-03-29 14:30: paused",
			"Mon 2027-03-22 10:00 CET   ✗ Patient/7: visit week waits until Wed 2027-03-24 10:00: paused",
			"Sun 2027-03-28 10:00 CEST  ✗ Patient/7: visit day waits until Sun 2027-03-28 22:00: paused",
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			s, err := newStage(t.Context(), c, book)
			must(t, err)
			t.Cleanup(func() { _ = s.ledger.Close() })
			s.dispatch.Gates = append(s.dispatch.Gates, x.gate)
			must(t, s.run(t.Context(), []string{filepath.Join(simulated, "booked.json")}, simulateOptions{}))
			var out bytes.Buffer
			must(t, s.print(&out))
			for _, line := range x.want {
				if !strings.Contains(out.String(), line+"\n") {
					t.Errorf("%q is missing in\n%s", line, out.String())
				}
			}
		})
	}
}

// holding lets nothing go, and cannot tell when it will.
type holding struct{}

func (holding) Admit(context.Context, pipeline.Candidate) (pipeline.Verdict, error) {
	return pipeline.Verdict{Hold: pipeline.ReasonPaused}, nil
}

func zoneOf(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(clinicZone)
	must(t, err)
	return zone
}

// TestSimulateCommand runs the subcommand: what it prints, and how it ends.
func TestSimulateCommand(t *testing.T) {
	here := func(name string) string { return filepath.Join(simulated, name) }
	endless := filepath.Join(t.TempDir(), "endless.json")
	must(t, os.WriteFile(endless, []byte(`{"resourceType":"Appointment","id":"1","status":"booked","start":"2027-03-09T14:30:00+01:00","participant":[{"actor":{"reference":"Patient/7"},"status":"needs-action"}]}`), 0o600))
	for _, c := range []struct {
		name string
		args []string
		want string // printed, or the error
		code int    // 0 for none
	}{
		{"the golden timeline", []string{here("booked.json"), "--tap", "confirm"}, "taps [Bestätigen]: read as confirm, decides accepted", 0},
		{"JSON", []string{here("booked.json"), "--json"}, `"timeline": [`, 0},
		{"the answers in their order", []string{here("booked.json"), "--reply", "nein", "--tap", "sure"}, "read as sure, decides declined, wants the visit cancelled", 0},
		{"several files", []string{here("elsewhere.json"), here("booked.json"), "--at", "2027-03-01T09:00"}, "▶ +15550100123  Patient/7", 0},
		{"a faulty file", []string{here("faulty.ndjson")}, errFaults.Error(), 1},
		{"no such file", []string{here("none.json")}, "none.json: no such file", 1},
		{"why nobody can answer", []string{endless, "--reply", "Wo?"}, "refused: " + endless + ": app-2 Appointment.end\nnobody can answer \"Wo?\": no message is sent", 1},
		{"a button that there is not", []string{here("booked.json"), "--tap", "confrm"}, `nobody can answer "confrm": the messages have buttons for confirm, cancel`, 1},
		{"nobody who could answer", []string{here("deceased.ndjson"), "--reply", "yes"}, `nobody can answer "yes": no message is sent`, 1},
		{"a time that is none", []string{here("booked.json"), "--at", "noon"}, "--at noon: must be like", 1},
		{"no files", nil, "requires at least 1 arg", 1},
		{"no such configuration", []string{here("booked.json"), "--config", here("none.yaml")}, "cannot be read", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"simulate"}, c.args...)
			if !strings.Contains(strings.Join(args, " "), "--config") {
				args = append(args, "--config", here("bridge.yaml"))
			}
			cmd := root()
			var out bytes.Buffer
			cmd.SetOut(&out)
			cmd.SetErr(&out)
			cmd.SetArgs(args)
			err, code := cmd.ExecuteContext(t.Context()), 0
			if err != nil {
				code = exitCode(err)
				out.WriteString(err.Error())
			}
			if code != c.code || !strings.Contains(out.String(), c.want) {
				t.Errorf("got %d and\n%s\nwant %d and %q", code, out.String(), c.code, c.want)
			}
		})
	}
}

// TestSimulateWithoutConfiguration: a file is all that is needed for a first look.
func TestSimulateWithoutConfiguration(t *testing.T) {
	o := &simulateOptions{config: filepath.Join(t.TempDir(), "bridge.yaml")}
	c, err := o.configuration(false)
	must(t, err)
	if c.Facility.Timezone != clinicZone || c.Journeys != "" || len(c.FHIR.WriteTo) == 0 {
		t.Errorf("got %+v", c.Facility)
	}
	var p problems
	if _, err := o.configuration(true); !errors.As(err, &p) {
		t.Errorf("a file that is named and is not there: got %v", err)
	}
}
