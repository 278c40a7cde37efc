package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSimulateADocument shows who gets a report, and what a refusal leads to.
func TestSimulateADocument(t *testing.T) {
	begin := time.Date(2027, 3, 1, 8, 0, 0, 0, time.UTC)
	file := filepath.Join(t.TempDir(), "report.ndjson")
	must(t, os.WriteFile(file, []byte(strings.Replace(patient("p1", "Amara", "+15550100123", "en"), `"id"`, `"birthDate":"1979-08-21","id"`, 1)+"\n"+
		fmt.Sprintf(`{"resourceType":"DiagnosticReport","id":"r1","meta":{"lastUpdated":%q},"status":"final","issued":%q,%s"code":{"text":"x"},"subject":{"reference":"Patient/p1"},"presentedForm":[{%s}]}`,
			begin.Format(time.RFC3339), begin.Format(time.RFC3339), signature, inline(document("p1")))), 0o600))
	play := func(results string, words ...string) string {
		t.Helper()
		c := &Config{Facility: FacilityConfig{Name: "Harbour Hospital", Timezone: "Europe/Berlin", Country: "DE", Portal: "https://portal.example.org"}}
		c.Documents.Results = results
		c.defaults()
		book, err := loadJourneys(c)
		must(t, err)
		o := simulateOptions{}
		if results != "" {
			o.answers = []simulatedAnswer{{true, "send_here"}}
		}
		for _, w := range words {
			o.answers = append(o.answers, simulatedAnswer{false, w})
		}
		report, err := simulate(t.Context(), c, book, []string{file}, o)
		must(t, err)
		var out bytes.Buffer
		must(t, report.print(&out))
		return out.String()
	}
	for _, c := range []struct {
		name, out string
		has, not  []string
	}{
		{"off", play(""), []string{"template report_ready (en)"}, []string{"Send here"}},
		{"right at last", play("ask", "1 May 1979", "21 August 1979"), []string{"read as birth_date:wrong", "[results.pdf]", "“[date of birth]”"}, []string{"birth_date_locked"}},
		{"never right", play("ask", "1 May 1979", "2 May 1979", "3 May 1979"), []string{"people are asked: birth_date_locked", "too many times"}, []string{"[results.pdf]"}},
		{"a consent that no file has", play("consent", "21 August 1979"), []string{"is not sent: no_consent", "POST Task", "We cannot send you this document here"}, []string{"[results.pdf]"}},
	} {
		for _, want := range c.has {
			if !strings.Contains(c.out, want) {
				t.Errorf("%s: lacks %q:\n%s", c.name, want, c.out)
			}
		}
		for _, no := range c.not {
			if strings.Contains(c.out, no) {
				t.Errorf("%s: has %q:\n%s", c.name, no, c.out)
			}
		}
	}
}
