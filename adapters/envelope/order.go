package envelope

import (
	"cmp"
	"slices"
	"strconv"

	"fhirbridge/pipeline"
)

// last are the types whose events refer to others, and may lead to a message.
var last = map[string]int{"Appointment": 1, "DiagnosticReport": 1, "Encounter": 2}

// arrange puts events into the order in which they can be handled: what others
// refer to first, and of one resource the oldest version first.
func arrange(events []pipeline.Event) {
	if len(events) < 2 {
		return
	}
	slices.SortStableFunc(events, func(a, b pipeline.Event) int { return cmp.Compare(last[a.Type], last[b.Type]) })
	places := make(map[[2]string][]int, len(events))
	for i, e := range events {
		name := [2]string{e.Type, e.ID}
		places[name] = append(places[name], i)
	}
	for _, at := range places {
		if len(at) < 2 {
			continue
		}
		versions := make([]pipeline.Event, len(at))
		for i, place := range at {
			versions[i] = events[place]
		}
		oldestFirst(versions)
		for i, place := range at {
			events[place] = versions[i]
		}
	}
}

// oldestFirst sorts the versions of one resource, by number if all have one, else
// by time if all have one; else they stay as they are.
func oldestFirst(versions []pipeline.Event) {
	number := func(e pipeline.Event) (uint64, error) { return strconv.ParseUint(e.Version, 10, 64) }
	unnumbered := func(e pipeline.Event) bool { _, err := number(e); return err != nil }
	undated := func(e pipeline.Event) bool { return e.LastUpdated.IsZero() }
	switch {
	case !slices.ContainsFunc(versions, unnumbered):
		slices.SortStableFunc(versions, func(a, b pipeline.Event) int {
			x, _ := number(a)
			y, _ := number(b)
			return cmp.Compare(x, y)
		})
	case !slices.ContainsFunc(versions, undated):
		slices.SortStableFunc(versions, func(a, b pipeline.Event) int { return a.LastUpdated.Compare(b.LastUpdated) })
	}
}
