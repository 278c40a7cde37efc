package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// places are a directory of Locations: a room, in a house, on a campus.
type places struct{}

func (places) Resource(_ context.Context, ref string) (pipeline.Versioned, bool, error) {
	up := map[string]string{"Location/room": "Location/house", "Location/house": "Location/campus", "Location/campus": "", "Location/loop": "Location/loop"}
	within, ok := up[ref]
	if !ok {
		return pipeline.Versioned{}, false, nil
	}
	raw := `{"resourceType":"Location","id":"` + strings.TrimPrefix(ref, "Location/") + `"`
	if within != "" {
		raw += `,"partOf":{"reference":"` + within + `"}`
	}
	return pipeline.Versioned{Resource: []byte(raw + "}")}, true, nil
}

func TestVisitFilter(t *testing.T) {
	zone, err := time.LoadLocation(clinicZone)
	must(t, err)
	now := time.Date(2026, 12, 1, 9, 0, 0, 0, zone)
	visit := func(status, start, place string) string {
		return `{"resourceType":"Appointment","id":"a1","status":"` + status + `","start":"` + start + `","end":"2027-01-01T00:00:00+01:00",` +
			`"serviceType":[{"coding":[{"system":"urn:services","code":"imaging"}]}],` +
			`"participant":[{"actor":{"reference":"Patient/p1"},"status":"accepted"},{"actor":{"reference":"Location/` + place + `"},"status":"accepted"}]}`
	}
	eve := visit("booked", "2026-12-24T08:00:00+01:00", "room")
	for _, c := range []struct {
		name, filter, visit string
		want                bool
	}{
		{"the place", "place=Location/room", eve, true},
		{"what it is part of", "place=Location/campus", eve, true},
		{"another place", "place=Location/annex", eve, false},
		{"a place of places in a circle", "place=Location/annex", visit("booked", "2026-12-24T08:00:00+01:00", "loop"), false},
		{"the day", "place=Location/room and start=2026-12-24", eve, true},
		{"another day", "start=2026-12-25", eve, false},
		{"the last moment of the day", "start=2026-12-24", visit("booked", "2026-12-24T23:59:59+01:00", "room"), true},
		{"the day by the clock of the facility", "start=2026-12-24", visit("booked", "2026-12-23T23:30:00Z", "room"), true},
		{"from", "from=2026-12-24T08:00", eve, true},
		{"from later on", "from=2026-12-24T08:01", eve, false},
		{"to the end of a day", "to=2026-12-24", eve, true},
		{"to a moment", "to=2026-12-24T08:00:00+01:00", eve, false},
		{"the service", "service=imaging", eve, true},
		{"the service of a system", "service=urn:services|imaging", eve, true},
		{"that of another", "service=urn:others|imaging", eve, false},
		{"cancelled", "start=2026-12-24", visit("cancelled", "2026-12-24T08:00:00+01:00", "room"), false},
		{"over", "place=Location/room", visit("booked", "2026-11-24T08:00:00+01:00", "room"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			filter, err := parseFilter(c.filter, zone)
			must(t, err)
			decoded, err := fhir.Decode([]byte(c.visit))
			must(t, err)
			got, err := filter.matches(t.Context(), decoded.(*fhir.Appointment), pipeline.NewResolver(places{}), now)
			if err != nil || got != c.want {
				t.Errorf("got %v, %v; want %v", got, err, c.want)
			}
		})
	}
	for _, text := range []string{"", " ", "place", "place=", "place=house", "place=Patient/1", "start=Christmas", "start=2026-12-24T08:00", "house=2", "from=2026-12-24 or to=2026-12-25"} {
		if f, err := parseFilter(text, zone); err == nil {
			t.Errorf("%q: got %+v, want an error", text, f)
		}
	}
}
