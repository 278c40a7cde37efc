package journey_test

import (
	"strings"
	"testing"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

const (
	placeJourney = `journey: visit
on: Appointment
steps: [{name: booked, when: became booked, send: hello, expires: start}]
answers:
  where: {do: note, reply: spot, words: {en: [where], de: [wo]}}
`
	placeHello = `template: hello
kind: template
category: utility
may_show: [schedule, place]
parameters:
  way: {field: place.way, example: Lift B, else: {en: please ask, de: bitte fragen}}
buttons: [where]
languages:
  en: {body: "Your visit is soon. The way to us is {{way}} today.", buttons: [Where?]}
  de: {body: "Ihr Termin ist bald. Der Weg zu uns ist {{way}} heute.", buttons: [Wo?]}
`
	placeSpot = `template: spot
kind: session
location: true
may_show: [place, facility]
parameters:
  place: {field: place.name, or: facility.name}
  address: {field: place.address, else: {en: please ask, de: bitte fragen}}
languages:
  en: {body: "{{place}}\n{{address}}"}
  de: {body: "{{place}}\n{{address}}"}
`
)

// at makes a Location that has more elements.
func at(t testing.TB, id string, more m) *fhir.Location {
	r := m{"resourceType": "Location", "id": id}
	for k, v := range more {
		r[k] = v
	}
	return decode[*fhir.Location](t, r)
}

// A place whose position is known is sent as a place on the map, and the words go into the chart.
func TestComposeAPlaceOnTheMap(t *testing.T) {
	position := m{"latitude": 53.5413, "longitude": 9.9841}
	address := m{"text": "Harbour Road 1, 20457 Hamburg"}
	cases := []struct {
		name   string
		visit  m
		places []fhir.Resource
		pin    pipeline.LocationPin
		seen   string
	}{
		{
			name: "all is known", places: []fhir.Resource{at(t, "1", m{"name": "House 2", "position": position, "address": address})},
			pin:  pipeline.LocationPin{Latitude: 53.5413, Longitude: 9.9841, Name: "House 2", Address: "Harbour Road 1, 20457 Hamburg"},
			seen: "House 2\nHarbour Road 1, 20457 Hamburg",
		},
		{
			name: "a room in a house", places: []fhir.Resource{
				at(t, "1", m{"name": "Room 7", "partOf": m{"reference": "Location/2"}}), at(t, "2", m{"name": "House 2", "position": position, "address": address}),
			},
			pin:  pipeline.LocationPin{Latitude: 53.5413, Longitude: 9.9841, Name: "Room 7", Address: "Harbour Road 1, 20457 Hamburg"},
			seen: "Room 7\nHarbour Road 1, 20457 Hamburg",
		},
		{
			name: "a position without an address", places: []fhir.Resource{at(t, "1", m{"name": "House 2", "position": position})},
			pin: pipeline.LocationPin{Latitude: 53.5413, Longitude: 9.9841, Name: "House 2"}, seen: "House 2\nplease ask",
		},
		{name: "no position", places: []fhir.Resource{at(t, "1", m{"name": "House 2", "address": address})}, seen: "House 2\nHarbour Road 1, 20457 Hamburg"},
		{name: "a position that is not on Earth", places: []fhir.Resource{at(t, "1", m{"name": "House 2", "position": m{"latitude": 97, "longitude": 9}})}, seen: "House 2\nplease ask"},
		{
			name: "the position of the second place only", visit: m{"participant": []any{
				m{"actor": m{"reference": "Patient/1"}, "status": "accepted"},
				m{"actor": m{"reference": "Location/1"}, "status": "accepted"}, m{"actor": m{"reference": "Location/2"}, "status": "accepted"},
			}},
			places: []fhir.Resource{at(t, "1", m{"name": "House 2"}), at(t, "2", m{"name": "House 3", "position": position})}, seen: "House 2\nplease ask",
		},
		{
			name: "a sensitive visit", visit: labels("PSY"),
			places: []fhir.Resource{at(t, "1", m{"name": "House 2", "position": position, "address": address})}, seen: "Harbour Hospital\nplease ask",
		},
		{name: "a place that nobody knows", seen: "Harbour Hospital\nplease ask"},
	}
	book := with(t, "journeys/visit.yaml", placeJourney, "templates/hello.yaml", placeHello, "templates/spot.yaml", placeSpot)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := visit(t, "booked", march9, c.visit)
			n := pipeline.Notification{Journey: "visit", Step: "answer:where", Subject: "Appointment/1", Patient: "Patient/1", Recipient: "Patient/1", ReplyTo: "wamid.1"}
			got := compose(t, book, n, pipeline.Facts{Subject: v, Patient: patient(t, "Erika", "en"), Window: true, Lookup: directory(c.places...)})
			if got.Skip != "" || got.Message.Seen.Reveal() != c.seen {
				t.Errorf("got %q, seen %q, want %q", got.Skip, got.Message.Seen.Reveal(), c.seen)
			}
			switch pin := got.Message.Location; {
			case c.pin == pipeline.LocationPin{}:
				if pin != nil || got.Message.Text.Reveal() != c.seen {
					t.Errorf("got a place on the map %v, text %q", pin != nil, got.Message.Text.Reveal())
				}
			case pin == nil || *pin != c.pin || !got.Message.Text.Empty():
				t.Errorf("got %+v and text %q, want %+v", pin, got.Message.Text.Reveal(), c.pin)
			}
		})
	}
}

// What the patient is to do, and the way, are said as a whole or not at all.
func TestComposeLongFacts(t *testing.T) {
	book := with(t, "journeys/visit.yaml", placeJourney, "templates/hello.yaml", placeHello, "templates/spot.yaml", placeSpot)
	v := visit(t, "booked", march9)
	for _, c := range []struct{ way, want string }{
		{"Lift B,\n3rd floor", "Lift B, 3rd floor"}, {strings.Repeat("ü", 240), strings.Repeat("ü", 240)}, {strings.Repeat("left ", 49), "please ask"},
	} {
		got := compose(t, book, news(t, book, v, "booked"), pipeline.Facts{
			Subject: v, Patient: patient(t, "Erika", "en"), Lookup: directory(at(t, "1", m{"name": "House 2", "description": c.way})),
		})
		if seen := got.Message.Seen.Reveal(); !strings.Contains(seen, "is "+c.want+" today") {
			t.Errorf("got %q, want %q in it", seen, c.want)
		}
	}
}

func TestProblemsOfPlacesOnTheMap(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"neither true nor false", "location: true", "location: treu", `templates/thanks.yaml:3:11: location: unknown truth "treu", did you mean "true"?`},
		{"a template", "kind: session", "kind: template\ncategory: utility", `templates/thanks.yaml:4:11: location: is only for the kind session`},
		{"a footer", `{{address}}"}`, `{{address}}", footer: Bye}`, `templates/thanks.yaml:3:11: location: goes with no header, footer or buttons`},
		{"no words for the place", "  place: {field: place.name, or: facility.name}\n  address: {field: place.address,", "  place: {field: facility.name}\n  address: {field: facility.name,", `templates/thanks.yaml:3:11: location: needs a body that says the place too`},
	} {
		t.Run(c.name, func(t *testing.T) {
			sound := strings.Replace(placeSpot, "template: spot", "template: thanks", 1)
			found(t, soundJourney, soundTemplate, strings.Replace(sound, c.old, c.new, 1), strings.Contains(sound, c.old), c.want)
		})
	}
}
