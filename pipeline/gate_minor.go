package pipeline

import (
	"context"
	"time"

	"fhirbridge/fhir"
)

// GateMinor stops what would go to patients who are too young to be written to
// themselves. Of a birth date without a day, or without a month, the latest that it
// can mean counts; a patient without one is taken to be of age. Whoever wrote gets an answer, and
// what goes to who acts for the patient passes.
type GateMinor struct {
	// Age is the birthday, in years, from which patients are written to; 0 stops nobody.
	Age int
	// Zone says when the birthday begins.
	Zone *time.Location
}

// Admit implements Gate.
func (g GateMinor) Admit(_ context.Context, c Candidate) (Verdict, error) {
	if c.Patient == nil || c.Proxy != nil || c.Notification.ReplyTo != "" || !minor(c.Patient, g.Age, g.Zone, c.Now) {
		return Verdict{}, nil
	}
	return Verdict{Skip: ReasonMinor}, nil
}

// minor reports whether a patient is known to be younger than that many years; 0 is nobody.
func minor(p *fhir.Patient, age int, zone *time.Location, now time.Time) bool {
	if age <= 0 {
		return false
	}
	born, known := latest(p.BirthDate())
	if !known {
		return false
	}
	y, m, d := now.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Before(born.AddDate(age, 0, 0))
}

// latest is the last day that a FHIR date can mean: https://hl7.org/fhir/R4/datatypes.html#date
func latest(date string) (day time.Time, ok bool) {
	for _, form := range []struct {
		layout               string
		years, months, after int
	}{{time.DateOnly, 0, 0, 0}, {"2006-01", 0, 1, -1}, {"2006", 1, 0, -1}} {
		if t, err := time.Parse(form.layout, date); err == nil {
			return t.AddDate(form.years, form.months, form.after), true
		}
	}
	return time.Time{}, false
}
