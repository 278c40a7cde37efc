package journey_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// drawReport draws a version of a report that was issued some hours ago, or, at zero, does not say when.
func drawReport(t *testing.T, rt *rapid.T, now time.Time) *fhir.DiagnosticReport {
	dated := m{}
	if hours := rapid.IntRange(0, 90).Draw(rt, "issued hours ago"); hours > 0 {
		dated["issued"] = now.Add(-time.Duration(hours) * time.Hour).Format(time.RFC3339)
	}
	status := rapid.SampledFrom([]string{"final", "final", "preliminary", "amended", "corrected", "appended", "entered-in-error", "cancelled"}).Draw(rt, "status")
	guard := rapid.SampledFrom([]string{"", "", "", "restricted", "category"}).Draw(rt, "guard")
	signer := rapid.SampledFrom([]string{"nobody", "laboratory", "interpreter"}).Draw(rt, "signer")
	return report(t, status, guards[guard], signers[signer], dated)
}

// However the versions of a report come, late, twice or out of order, what is planned for a later time is that of the
// newest version alone. What was told, and what is history, is the same for both.
func TestPlanOfAReportFollowsFromTheNewestVersion(t *testing.T) {
	book, now := shipped(t), moment(t, before)
	rapid.Check(t, func(rt *rapid.T) {
		versions := make([]*fhir.DiagnosticReport, rapid.IntRange(1, 6).Draw(rt, "versions"))
		for i := range versions {
			versions[i] = drawReport(t, rt, now)
		}
		news := rapid.IntRange(0, len(versions)).Draw(rt, "history until")
		order := rapid.SliceOfN(rapid.IntRange(0, len(versions)-1), 0, 12).Draw(rt, "order")
		order = append(order, len(versions)-1) // the newest comes at some time
		order = append(order, rapid.SliceOfN(rapid.IntRange(0, len(versions)-1), 0, 4).Draw(rt, "late")...)

		replayed := &ledger{book: book, begun: make(map[string]bool)}
		for _, i := range order {
			replayed.apply(rt, versions[i], i+1, now, i < news)
			if rapid.Bool().Draw(rt, "send") {
				replayed.send(now)
			}
		}
		alone := &ledger{book: book, begun: replayed.begun, told: replayed.told}
		alone.apply(rt, versions[len(versions)-1], len(versions), now, len(versions)-1 < news)
		got, want := replayed.open, alone.open
		if i := slices.IndexFunc(got, func(n pipeline.Notification) bool { return n.Step == "changed" }); i >= 0 {
			got = slices.Delete(slices.Clone(got), i, i+1) // the news of a change
		}
		if got, want := reminders(got), reminders(want); !slices.Equal(got, want) {
			rt.Fatalf("got %q, want %q", got, want)
		}
	})
}

// As time goes on, a report is ready once at most, never while it is incomplete or for a person to speak of, and not before
// it is signed or 48 hours old. Only who was told hears of a change.
func TestAReportIsToldThroughTheGateOnly(t *testing.T) {
	book := shipped(t)
	rapid.Check(t, func(rt *rapid.T) {
		now := moment(t, before)
		l := &ledger{book: book, begun: make(map[string]bool)}
		var newest situation
		var issued time.Time
		ready, told := 0, false
		send := func() {
			for _, n := range l.open {
				if n.Due.After(now) {
					continue
				}
				signed := newest.signer == "interpreter"
				complete := slices.Contains([]string{"final", "amended", "corrected", "appended"}, newest.status)
				switch n.Step {
				case "ready":
					ready++
					fallthrough
				case "changed":
					if !complete || newest.guard != "" || !signed && n.Due.Before(issued.Add(48*time.Hour)) {
						rt.Fatalf("%s of %+v, issued %v, at %v", n.Step, newest, issued, n.Due)
					}
				case "withdrawn":
					if complete || newest.guard != "" {
						rt.Fatalf("%s of %+v", n.Step, newest)
					}
				default:
					rt.Fatalf("%s was said of %+v", n.Step, newest)
				}
				if n.Step != "ready" && !told || ready > 1 {
					rt.Fatalf("%s, and ready %d times", n.Step, ready)
				}
				told = true
			}
			l.send(now)
		}
		for i := range rapid.IntRange(1, 8).Draw(rt, "versions") {
			for range rapid.IntRange(0, 60).Draw(rt, "hours") {
				now = now.Add(time.Hour)
				send()
			}
			newest = situation{
				status: rapid.SampledFrom(reportStatuses[:10]).Draw(rt, "status"),
				guard:  rapid.SampledFrom([]string{"", "", "restricted", "code"}).Draw(rt, "guard"),
				signer: rapid.SampledFrom([]string{"nobody", "interpreter"}).Draw(rt, "signer"),
			}
			issued = now.Add(-time.Duration(rapid.IntRange(0, 100).Draw(rt, "age")) * time.Hour)
			l.apply(rt, newest.version(t, newest.status, issued), i+1, now, rapid.Bool().Draw(rt, "historic"))
			send()
		}
	})
}
