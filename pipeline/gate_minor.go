package pipeline

import (
	"context"
	"time"
)

// GateMinor stops what would go to patients who are too young to be written to
// themselves. Of a birth date without a day, or without a month, the latest that it
// can mean counts; a patient without one is taken to be of age. Whoever wrote gets an answer.
type GateMinor struct {
	// Age is the birthday, in years, from which patients are written to; 0 stops nobody.
	Age int
	// Zone says when the birthday begins.
	Zone *time.Location
}

// Admit implements Gate.
func (g GateMinor) Admit(_ context.Context, c Candidate) (Verdict, error) {
	if g.Age <= 0 || c.Patient == nil || c.Notification.ReplyTo != "" {
		return Verdict{}, nil
	}
	born, known := latest(c.Patient.BirthDate())
	if !known {
		return Verdict{}, nil
	}
	y, m, d := c.Now.In(g.Zone).Date()
	if today := time.Date(y, m, d, 0, 0, 0, 0, time.UTC); today.Before(born.AddDate(g.Age, 0, 0)) {
		return Verdict{Skip: ReasonMinor}, nil
	}
	return Verdict{}, nil
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
