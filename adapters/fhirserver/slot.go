package fhirserver

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

const opSlots = "fhirserver.free_slots"

// FreeSlots implements pipeline.FHIRServer. What is found is looked at, whatever the server has compared: it must be free, in time
// and of the kind that was asked for. A server that does not sort is read to its end, or to its twentieth page;
// then what was found by then has to do.
func (c *Client) FreeSlots(ctx context.Context, q pipeline.SlotSearch) ([]pipeline.Slot, error) {
	if q.Actor != "" {
		list, err := c.schedules(ctx, q)
		if err != nil || len(list) == 0 {
			return nil, err
		}
		q.Schedules = list
	}
	criteria := url.Values{"status": {string(fhir.SlotFree)}, "_count": {"100"}, "_sort": {"start"}}
	criteria["start"] = []string{"ge" + q.From.UTC().Format(time.RFC3339), "lt" + q.To.UTC().Format(time.RFC3339)}
	for name, values := range map[string][]string{"schedule": q.Schedules, "service-type": q.Types, "specialty": q.Specialties} {
		if len(values) > 0 {
			criteria.Set(name, anyOf(values))
		}
	}
	s := &slots{wanted: q, at: map[int64]pipeline.Slot{}, inOrder: true}
	err := c.search(ctx, query{op: opSlots, typ: "Slot", criteria: criteria}, s.take)
	if unsupported(err) { // it may be the sorting
		criteria.Del("_sort")
		s.inOrder = false
		err = c.search(ctx, query{op: opSlots, typ: "Slot", criteria: criteria}, s.take)
	}
	var e *pipeline.Error
	if errors.As(err, &e) && e.Reason == "too_many_pages" {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return s.earliest(), nil
}

// anyOf is a search value that one of several satisfies. The bar between system and code stays what it is.
func anyOf(values []string) string {
	alternatives := make([]string, len(values))
	for i, v := range values {
		system, code, qualified := strings.Cut(v, "|")
		alternatives[i] = escape(system)
		if qualified {
			alternatives[i] += "|" + escape(code)
		}
	}
	return strings.Join(alternatives, ",")
}

// schedules are those of an actor, in use, that are not of another place.
func (c *Client) schedules(ctx context.Context, q pipeline.SlotSearch) ([]string, error) {
	var list, places []string
	who, ok := c.name(q.Actor)
	if !ok {
		return nil, nil // of another server, or only contained
	}
	for _, place := range q.Places {
		if name, ok := c.name(place); ok {
			places = append(places, name)
		}
	}
	criteria := url.Values{"actor": {escape(who)}}
	err := c.search(ctx, query{op: opSlots, typ: "Schedule", criteria: criteria}, func(m match) bool {
		decoded, err := fhir.Decode(m.raw)
		schedule, ok := decoded.(*fhir.Schedule)
		if err != nil || !ok || !schedule.Active() {
			return true
		}
		theirs, elsewhere := false, false
		for _, actor := range schedule.Actors() {
			name, _ := c.name(actor.String())
			theirs = theirs || name == who
			elsewhere = elsewhere || actor.Type == "Location" && len(places) > 0 && !slices.Contains(places, name)
		}
		if theirs && !elsewhere {
			list = append(list, m.header.Ref())
		}
		return len(list) < maxSchedules
	})
	return list, err
}

// maxSchedules is how many schedules are searched at once: they stand in a URL.
const maxSchedules = 30

// slots collects what a search finds.
type slots struct {
	wanted pipeline.SlotSearch
	at     map[int64]pipeline.Slot // by start: of several at one moment one will do
	// inOrder is set while nothing has come that is earlier than what came before it.
	inOrder bool
	last    time.Time
}

// take reports whether the search goes on.
func (s *slots) take(m match) bool {
	decoded, err := fhir.Decode(m.raw)
	found, ok := decoded.(*fhir.Slot)
	if err != nil || !ok || !s.fits(found) {
		return true
	}
	start := found.Start()
	s.inOrder = s.inOrder && !start.Before(s.last)
	s.last = start
	if _, known := s.at[start.UnixMicro()]; !known {
		s.at[start.UnixMicro()] = pipeline.Slot{
			Ref: m.header.Ref(), Schedule: found.Schedule().String(), Start: start, End: found.End(),
		}
	}
	return !s.inOrder || len(s.at) < s.wanted.Limit
}

func (s *slots) fits(l *fhir.Slot) bool {
	return l.Status() == fhir.SlotFree && !l.Overbooked() && l.End().After(l.Start()) &&
		!l.Start().Before(s.wanted.From) && l.Start().Before(s.wanted.To) &&
		oneOf(l.ServiceTypes(), s.wanted.Types) && oneOf(l.Specialties(), s.wanted.Specialties)
}

// oneOf reports whether a slot is of one of the wanted codes. One that has no codes is what its schedule is.
func oneOf(has []fhir.Concept, wanted []string) bool {
	coded := false
	for _, concept := range has {
		for _, c := range concept.Codings {
			coded = true
			if slices.Contains(wanted, c.Code) || slices.Contains(wanted, c.System+"|"+c.Code) {
				return true
			}
		}
	}
	return !coded || len(wanted) == 0
}

// earliest are as many as are wanted.
func (s *slots) earliest() []pipeline.Slot {
	list := make([]pipeline.Slot, 0, len(s.at))
	for _, slot := range s.at {
		list = append(list, slot)
	}
	slices.SortFunc(list, func(a, b pipeline.Slot) int { return a.Start.Compare(b.Start) })
	return list[:min(len(list), s.wanted.Limit)]
}
