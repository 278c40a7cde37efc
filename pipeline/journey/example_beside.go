package journey

import (
	"fmt"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// readBeside reads when other visits of the patient begin, which are booked before the example.
func (e *example) readBeside(v value, j *journey) {
	if v.exists() && j.on != typeAppointment {
		v.problem("is for a journey on Appointment")
	}
	for _, item := range v.list() {
		if _, err := time.Parse(time.RFC3339, item.text()); err != nil {
			item.problem(`must be like "2027-03-09T14:30:00+01:00"`)
			continue
		}
		e.beside = append(e.beside, item.text())
	}
}

// visitsBeside are the other visits of an example.
func (e *example) visitsBeside() (list []any) {
	for i, start := range e.beside {
		begin, _ := time.Parse(time.RFC3339, start) // it was read before
		list = append(list, map[string]any{
			"resourceType": typeAppointment, "id": fmt.Sprint(i + 2), "status": "booked", "start": start, "end": begin.Add(30 * time.Minute).Format(time.RFC3339),
			"participant": []any{
				map[string]any{"actor": map[string]any{"reference": "Patient/1"}, "status": "needs-action"},
				map[string]any{"actor": map[string]any{"reference": "Location/1"}, "status": "accepted"},
			},
		})
	}
	return list
}

// companions are what is due of the visits beside that the message of n is to say as well.
func (p *play) companions(n pipeline.Notification, facts pipeline.Facts) (with []pipeline.Companion) {
	if !n.Digest || n.ReplyTo != "" {
		return nil
	}
	for i := range p.example.beside {
		other := p.others[fmt.Sprintf("%s/%d", typeAppointment, i+2)]
		plan, _ := p.book.Decide(pipeline.Change{Current: other, Version: "1", Lookup: p.lookup, Now: p.example.timeline[0].at}) // it returns no error
		for _, o := range plan.Wanted {
			if o.Step != n.Step || o.Due.Sub(n.Due).Abs() > together {
				continue
			}
			of := facts
			of.Subject, of.Known = other, pipeline.Known{}
			with = append(with, pipeline.Companion{Notification: o, Facts: of})
		}
	}
	return with
}

// subjectOf is the newest version of what a notification is about: what the example is about, or a visit beside it.
func (p *play) subjectOf(n pipeline.Notification) fhir.Resource {
	if other, beside := p.others[n.Subject]; beside {
		return other
	}
	return p.kept
}

// seen finds what a ledger keeps.
func (p *play) seen(ref string) fhir.Resource {
	if p.kept != nil && p.kept.Header().Ref() == ref {
		return p.kept
	}
	return p.lookup(ref)
}
