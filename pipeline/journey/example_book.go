package journey

import (
	"slices"
	"strconv"
	"time"

	"fhirbridge/pipeline"
)

// exampleBooking is what can be booked in an example that says which times are free.
var exampleBooking = Booking{
	Services: []Service{
		{Name: "checkup", Titles: map[string]string{"en": "Check-up", "de": "Vorsorge"}},
		{Name: "blood", Titles: map[string]string{"en": "Blood test", "de": "Blutabnahme"}},
	},
	Reschedule: true, Status: "proposed", Ahead: 30 * 24 * time.Hour, Patience: time.Minute,
}

// booking is the Book with something to be booked, if the example says which times are free.
func (b *Book) booking(e *example) *Book {
	if !e.books() {
		return b
	}
	with := *b
	with.settings.Booking = exampleBooking
	return &with
}

// books reports whether the example says which times are free.
func (e *example) books() bool {
	return slices.ContainsFunc(e.timeline, func(m moment) bool { return m.free != nil })
}

// readChoice reads which row is tapped, and what is free.
func (m *moment) readChoice(o object) {
	if row := o.get("row"); row.exists() {
		var err error
		if m.row, err = strconv.Atoi(row.text()); err != nil || m.row < 1 {
			row.problem("must be the number of a row, from 1")
		}
		if m.tap == "" {
			row.problem("is for a tap")
		}
	}
	if free := o.get("free"); free.exists() {
		m.free = []time.Time{}
		for _, item := range free.list() {
			m.free = append(m.free, clock(item))
		}
	}
}

// grant is what the FHIR server and people make of a wish. It says in o what people are asked to do, and what is decided.
func (p *play) grant(m *moment, o *pipeline.Outcome) []pipeline.Notification {
	w := o.Wish
	chosen := w.Slot != nil && slices.ContainsFunc(p.free, w.Slot.Start.Equal)
	switch {
	case chosen && m.ehr != cameAsked && w.Visit == "":
		o.Handoff = "appointment_requested"
		return speaking(w.Done, *w.Slot)
	case chosen && m.ehr != cameAsked:
		p.known = p.known.With(*w.Answer)
		return speaking(w.Done, *w.Slot)
	}
	var found []pipeline.Slot
	for _, start := range p.free {
		if !start.Before(w.Search.From) && len(found) < w.Search.Limit {
			found = append(found, pipeline.Slot{Ref: "Slot/" + strconv.Itoa(len(found)+1), Start: start, End: start.Add(30 * time.Minute)})
		}
	}
	switch {
	case chosen || len(found) == 0:
		o.Handoff, o.Decision = w.Code, w.Decision
		return w.Asked
	case w.Slot != nil:
		return speaking(w.Taken, found...)
	}
	return speaking(w.Offer, found...)
}

func speaking(say []pipeline.Notification, times ...pipeline.Slot) []pipeline.Notification {
	for i := range say {
		say[i].Offers = times
	}
	return say
}

// answers reports whether a reply may be one to that message: words to any that asks something, a tap to one with the button.
func (m *moment) answers(s pipeline.SentMessage) bool {
	if m.tap == "" {
		return len(s.Attempt.Actions) > 0
	}
	if visitsOf(s.Attempt) != nil {
		return m.row == 0 && m.of == "" && slices.Contains(s.Attempt.Actions, m.tap)
	}
	if m.row > len(s.Attempt.Choices) || (m.row > 0) != (len(s.Attempt.Choices) > 0) {
		return false
	}
	return (m.of == "" || m.of == s.Notification.Step) && slices.Contains(s.Attempt.Actions, m.tap)
}
