package journey_test

import (
	"testing"
	"testing/fstest"
	"time"

	"fhirbridge/configs"
	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// timed is a journey with one step.
func timed(t *testing.T, at, expires string) *journey.Book {
	t.Helper()
	file := "journey: visit\non: Appointment\nsteps:\n  - name: soon\n    at: " + at +
		"\n    when: is booked\n    send: report_ready\n    expires: " + expires + "\n"
	book, problems := journey.Load(fstest.MapFS{"visit.yaml": {Data: []byte(file)}}, configs.Templates(), settings(t))
	for _, p := range problems {
		if p.File == "journeys/visit.yaml" {
			t.Fatal(p)
		}
	}
	if book == nil {
		t.Fatal("templates that no journey can fill must not keep one from being read", problems)
	}
	return book
}

// Days are counted in the calendar of the place, hours on the instant: a visit
// keeps its clock times when summer time begins or ends in between.
func TestTimes(t *testing.T) {
	cases := []struct{ name, at, zone, start, want string }{
		{"winter", "start - 2d, 10:00", "Europe/Berlin", "2027-02-10T09:00:00+01:00", "2027-02-08T10:00:00+01:00"},
		{"summer time begins in between", "start - 2d, 10:00", "Europe/Berlin", "2027-03-29T09:00:00+02:00", "2027-03-27T10:00:00+01:00"},
		{"summer time begins that morning", "start - 1d, 10:00", "Europe/Berlin", "2027-03-29T09:00:00+02:00", "2027-03-28T10:00:00+02:00"},
		{"summer time ends in between", "start - 7d, 10:00", "Europe/Berlin", "2027-11-02T09:00:00+01:00", "2027-10-26T10:00:00+02:00"},
		{"days without a clock keep that of the visit", "start - 2d", "Europe/Berlin", "2027-03-29T09:00:00+02:00", "2027-03-27T09:00:00+01:00"},
		{"hours do not", "start - 48h", "Europe/Berlin", "2027-03-29T09:00:00+02:00", "2027-03-27T08:00:00+01:00"},
		{"hours across the gap", "start - 2h", "Europe/Berlin", "2027-03-28T04:00:00+02:00", "2027-03-28T01:00:00+01:00"},
		{"a clock time in the gap", "start - 1d, 02:30", "Europe/Berlin", "2027-03-29T09:00:00+02:00", "2027-03-28T03:30:00+02:00"},
		{"a clock time that comes twice", "start - 1d, 02:30", "Europe/Berlin", "2027-11-01T09:00:00+01:00", "2027-10-31T02:30:00+01:00"},
		{"New York", "start - 1d, 10:00", "America/New_York", "2027-03-15T08:00:00-04:00", "2027-03-14T10:00:00-04:00"},
		{"New York, before its summer time", "start - 2d, 10:00", "America/New_York", "2027-03-15T08:00:00-04:00", "2027-03-13T10:00:00-05:00"},
		{"New York, written in UTC on the next day", "start - 1d, 10:00", "America/New_York", "2027-03-16T01:30:00Z", "2027-03-14T10:00:00-04:00"},
		{"no summer time", "start - 1d, 10:00", "Asia/Kolkata", "2027-03-29T09:00:00+05:30", "2027-03-28T10:00:00+05:30"},
		{"a zone of quarter hours", "start - 1d, 10:00", "Asia/Kathmandu", "2027-03-29T00:10:00+05:45", "2027-03-28T10:00:00+05:45"},
		{"half an hour before", "start - 30m", "Europe/Berlin", march9, "2027-03-09T14:00:00+01:00"},
		{"the morning of the day", "start - 0d, 07:00", "Europe/Berlin", march9, "2027-03-09T07:00:00+01:00"},
		{"the end of a month", "start - 1d, 10:00", "Europe/Berlin", "2028-03-01T09:00:00+01:00", "2028-02-29T10:00:00+01:00"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			list := decide(t, timed(t, c.at, "start"), pipeline.Change{
				Current: visit(t, "booked", c.start), Now: moment(t, "2027-01-01T00:00:00Z"),
				Lookup: directory(place(t, "House 2", c.zone)),
			})
			if len(list) != 1 || !list[0].Due.Equal(moment(t, c.want)) {
				t.Fatalf("got %v, want %s", list, c.want)
			}
		})
	}
}

func TestExpiry(t *testing.T) {
	cases := []struct{ name, at, expires, want string }{
		{"at the start", "start - 2h", "start", march9},
		{"before it", "start - 2h", "start - 1h", "2027-03-09T13:30:00+01:00"},
		{"after it is due", "start - 2d, 10:00", "+3h", "2027-03-07T13:00:00+01:00"},
		{"days after it is due", "start - 7d, 10:00", "+2d", "2027-03-04T10:00:00+01:00"},
		{"never after the visit has begun", "start - 2h", "+2d", march9},
		{"said after the visit", "start + 1d, 10:00", "+2d", "2027-03-12T10:00:00+01:00"},
		{"a clock time that comes after the visit", "start - 0d, 18:00", "start", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			list := decide(t, timed(t, c.at, c.expires), pipeline.Change{Current: visit(t, "booked", march9), Now: moment(t, before)})
			switch {
			case c.want == "" && len(list) > 0:
				t.Fatalf("got %v, want nothing", list)
			case c.want != "" && (len(list) != 1 || !list[0].Expires.Equal(moment(t, c.want))):
				t.Fatalf("got %v, want %s", list, c.want)
			}
		})
	}
}

// The zone is that of the start, else of the place, else of the facility; what is
// no zone is passed over, and the server's zone is never asked.
func TestZone(t *testing.T) {
	inStart := func(zone string) m {
		return m{"_start": m{"extension": []any{m{"url": "http://hl7.org/fhir/StructureDefinition/timezone", "valueCode": zone}}}}
	}
	house := decode[*fhir.Location](t, m{"resourceType": "Location", "id": "house", "name": "House",
		"extension": []any{m{"url": "http://hl7.org/fhir/StructureDefinition/timezone", "valueCode": "Asia/Tokyo"}}})
	room := decode[*fhir.Location](t, m{"resourceType": "Location", "id": "1", "name": "Room", "partOf": m{"reference": "Location/house"}})
	cases := []struct {
		name  string
		more  m
		place *fhir.Location
		want  string
	}{
		{"of the start", inStart("America/New_York"), place(t, "P", "Asia/Tokyo"), "America/New_York"},
		{"of the place", nil, place(t, "P", "Asia/Tokyo"), "Asia/Tokyo"},
		{"of the house that the place is in", nil, room, "Asia/Tokyo"},
		{"of the facility", nil, place(t, "P", ""), "Europe/Berlin"},
		{"a start that names no zone", inStart("Mars/Olympus"), place(t, "P", "Asia/Tokyo"), "Asia/Tokyo"},
		{"a start that names the server's", inStart("Local"), place(t, "P", ""), "Europe/Berlin"},
		{"a path", inStart("../../etc/passwd"), place(t, "P", ""), "Europe/Berlin"},
	}
	server := time.Local
	defer func() { time.Local = server }()
	time.Local = zone(t, "Pacific/Auckland")
	book := timed(t, "start - 1d, 10:00", "start")
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			list := decide(t, book, pipeline.Change{
				Current: visit(t, "booked", march9, c.more), Now: moment(t, before), Lookup: directory(c.place, house),
			})
			day := moment(t, march9).In(zone(t, c.want)).AddDate(0, 0, -1)
			want := time.Date(day.Year(), day.Month(), day.Day(), 10, 0, 0, 0, zone(t, c.want))
			if len(list) != 1 || !list[0].Due.Equal(want) {
				t.Fatalf("got %v, want %v", list, want)
			}
		})
	}
}
