package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// visitFilter says which of the booked visits that lie ahead are meant. Everything that is set must hold.
type visitFilter struct {
	// place is a Location, which the visit is at or in; service a code of its serviceType, "system|code" or in any system.
	place, service string
	// from and until are between when it begins; until is not.
	from, until time.Time
}

// filterKeys are what a filter can ask for.
var filterKeys = []string{"place", "service", "start", "from", "to"}

// parseFilter reads a filter like "place=Location/1 and start=2026-12-24". Days are those of the facility.
func parseFilter(text string, zone *time.Location) (f visitFilter, err error) {
	if strings.TrimSpace(text) == "" {
		return f, fmt.Errorf("the filter is empty: it needs one of %s, as in \"place=Location/1 and start=2026-12-24\"", strings.Join(filterKeys, ", "))
	}
	for _, term := range strings.Split(text, " and ") {
		key, value, ok := strings.Cut(strings.TrimSpace(term), "=")
		value = strings.TrimSpace(value)
		if !ok || value == "" || !slices.Contains(filterKeys, key) {
			return f, fmt.Errorf("%q: a filter is like place=Location/1, with one of %s", term, strings.Join(filterKeys, ", "))
		}
		if err := f.add(key, value, zone); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (f *visitFilter) add(key, value string, zone *time.Location) error {
	switch key {
	case "place":
		if ref, ok := fhir.ParseReference(value); !ok || ref.Type != "Location" || ref.ID == "" {
			return fmt.Errorf("place=%s: must be like Location/1", value)
		}
		f.place = value
		return nil
	case "service":
		f.service = value
		return nil
	}
	at, day, err := parseMoment(value, zone)
	switch {
	case err != nil:
		return fmt.Errorf("%s=%s: %w", key, value, err)
	case key == "start" && !day:
		return fmt.Errorf("start=%s: must be a day, like 2026-12-24", value)
	case key == "start":
		f.from, f.until = at, at.AddDate(0, 0, 1)
	case key == "from":
		f.from = at
	case day: // the whole of it
		f.until = at.AddDate(0, 0, 1)
	default:
		f.until = at
	}
	return nil
}

// parseMoment reads a day, or a moment of the zone or with an offset.
func parseMoment(text string, zone *time.Location) (at time.Time, day bool, err error) {
	if at, err = time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return at, true, nil
	}
	if at, err = time.ParseInLocation("2006-01-02T15:04", text, zone); err == nil {
		return at, false, nil
	}
	if at, err = time.Parse(time.RFC3339, text); err != nil {
		return at, false, fmt.Errorf("must be like 2026-12-24, 2026-12-24T18:00 or 2026-12-24T18:00:00+01:00")
	}
	return at, false, nil
}

// matches reports whether a visit is meant. Nobody is written to about a visit that is over.
func (f visitFilter) matches(ctx context.Context, a *fhir.Appointment, places *pipeline.Resolver, now time.Time) (bool, error) {
	start := a.Start()
	switch {
	case a.Status() != fhir.AppointmentBooked, start.IsZero(), !start.After(now),
		!f.from.IsZero() && start.Before(f.from), !f.until.IsZero() && !start.Before(f.until),
		f.service != "" && !f.serves(a):
		return false, nil
	case f.place == "":
		return true, nil
	}
	for _, p := range a.Locations() {
		in, err := within(ctx, p.Actor.String(), f.place, places)
		if in || err != nil {
			return in, err
		}
	}
	return false, nil
}

func (f visitFilter) serves(a *fhir.Appointment) bool {
	for _, service := range a.ServiceTypes() {
		for _, c := range service.Codings {
			if f.service == c.Code || f.service == c.System+"|"+c.Code {
				return true
			}
		}
	}
	return false
}

// within reports whether a place is another one, or a part of it.
func within(ctx context.Context, ref, place string, places *pipeline.Resolver) (bool, error) {
	const depth = 6 // a bed in a room in a ward in a house on a campus, and the bed itself
	for range depth {
		if ref == place || ref == "" {
			return ref != "", nil
		}
		known, err := places.Resource(ctx, ref)
		if err != nil {
			return false, err
		}
		location, ok := known.(*fhir.Location)
		if !ok {
			return false, nil
		}
		ref = location.PartOf().String()
	}
	return false, nil
}
