package journey_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// mapOfSites are the shipped files, where there are pictures of some places.
func mapOfSites(t testing.TB) *journey.Book {
	s := settings(t)
	s.Maps = map[string]string{"Location/1": "maps/house-1.png", "https://x.example/places|C": "maps/campus.jpg"}
	return load(t, s)
}

// shelf is a directory that has these resources.
type shelf []fhir.Resource

// Resource implements pipeline.Directory.
func (s shelf) Resource(_ context.Context, ref string) (pipeline.Versioned, bool, error) {
	r := directory(s...)(ref)
	if r == nil {
		return pipeline.Versioned{}, false, nil
	}
	return pipeline.Versioned{Resource: r.Raw()}, true, nil
}

// resolved is what dispatch finds of a visit, where that is all that is kept.
func resolved(t testing.TB, visit fhir.Resource, kept ...fhir.Resource) func(string) fhir.Resource {
	t.Helper()
	lookup, err := pipeline.NewResolver(shelf(kept)).Lookup(t.Context(), visit, nil)
	if err != nil {
		t.Fatal(err)
	}
	return lookup
}

// TestTheMapOfASite: it is that of the place of the visit, else of the nearest that this is part of.
func TestTheMapOfASite(t *testing.T) {
	identified := m{"identifier": []any{m{"system": "https://x.example/places", "value": "B"}, m{"system": "https://x.example/places", "value": "C", "use": "odd"}}}
	partOf := func(ref string) m { return m{"name": "Room 7", "partOf": m{"reference": ref}} }
	participants := func(actors ...m) m {
		list := []any{m{"actor": m{"reference": "Patient/1"}, "status": "accepted"}}
		for _, a := range actors {
			list = append(list, m{"actor": a, "status": "accepted"})
		}
		return m{"participant": list}
	}
	in := func(refs ...string) m {
		var actors []m
		for _, ref := range refs {
			actors = append(actors, m{"reference": ref})
		}
		return participants(actors...)
	}
	holding := func(contained ...any) m {
		v := in("#room")
		v["contained"] = contained
		return v
	}
	room := func(of string) m {
		return m{"resourceType": "Location", "id": "room", "name": "Room 7", "partOf": m{"reference": of}}
	}
	book := mapOfSites(t)
	for _, c := range []struct {
		name   string
		visit  m
		places []fhir.Resource
		want   string
	}{
		{"the place", in("Location/1"), []fhir.Resource{at(t, "1", m{"name": "House 1"})}, "maps/house-1.png"},
		{"a place of which no more is known", in("Location/1"), nil, "maps/house-1.png"},
		{"a place by its identifier", in("Location/2"), []fhir.Resource{at(t, "2", identified)}, "maps/campus.jpg"},
		{"a place that is named by its identifier alone", participants(m{"type": "Location", "identifier": m{"system": "https://x.example/places", "value": "C"}, "display": "Campus"}), nil, "maps/campus.jpg"},
		{"a room in it", in("Location/2"), []fhir.Resource{at(t, "2", partOf("Location/1"))}, "maps/house-1.png"},
		{"the nearest", in("Location/2"), []fhir.Resource{
			at(t, "2", partOf("Location/1")), at(t, "1", m{"partOf": m{"reference": "Location/3"}}), at(t, "3", identified),
		}, "maps/house-1.png"},
		{"what it is part of in the end", in("Location/2"), []fhir.Resource{at(t, "2", partOf("Location/4")), at(t, "4", partOf("Location/3")), at(t, "3", identified)}, "maps/campus.jpg"},
		{"what is part of itself", in("Location/2"), []fhir.Resource{at(t, "2", partOf("Location/2"))}, ""},
		{"the second place", in("Location/2", "Location/1"), []fhir.Resource{at(t, "2", m{"name": "House 2"}), at(t, "1", m{"name": "House 1"})}, "maps/house-1.png"},
		{"another place", in("Location/2"), []fhir.Resource{at(t, "2", m{"name": "House 2", "identifier": []any{m{"value": "C"}}})}, ""},
		{"a place with an identifier that is none", in("Location/2"), []fhir.Resource{at(t, "2", m{"name": "House 2", "identifier": "C", "partOf": m{"reference": "Location/1"}})}, "maps/house-1.png"},
		{"a room that the visit contains", holding(room("Location/1")), []fhir.Resource{at(t, "1", m{"name": "House 1"})}, "maps/house-1.png"},
		{"the same, by an identifier", holding(room("Location/3")), []fhir.Resource{at(t, "3", identified)}, "maps/campus.jpg"},
		{"the same, further up", holding(room("Location/2")), []fhir.Resource{at(t, "2", partOf("Location/3")), at(t, "3", identified)}, "maps/campus.jpg"},
		{"a house that the visit contains, too", holding(room("#house"), m{"resourceType": "Location", "id": "house", "partOf": m{"reference": "Location/3"}}),
			[]fhir.Resource{at(t, "3", identified)}, "maps/campus.jpg"},
		{"a contained room that is part of itself", holding(room("#room")), nil, ""},
		{"a contained room of nothing that is there", holding(room("#house")), nil, ""},
		{"no place", in(), nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := visit(t, "booked", march9, c.visit)
			th := about(t, book, v, "")
			th.Lookup = directory(append(c.places, patient(t, "Erika", "de"))...)
			o := understand(t, book, text("Wo?"), th)
			want := "where, answer:where"
			if c.want != "" {
				want += ", answer:where:map"
			}
			if got := heard(o); got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
			if c.want != "" && o.Say[0].Priority >= o.Say[1].Priority {
				t.Error("the map does not wait for the reply")
			}
			n := o.Say[0]
			n.Step, n.ReplyTo = "answer:where:map", "wamid.1"
			got := compose(t, book, n, pipeline.Facts{Subject: v, Patient: patient(t, "Erika", "de"), Window: true, Lookup: resolved(t, v, c.places...)})
			switch p := got.Message.Picture; {
			case c.want == "":
				if got.Skip != pipeline.ReasonSuperseded || p != nil {
					t.Errorf("got %q and %+v", got.Skip, p)
				}
			case p == nil || p.Name != c.want || !got.Message.Text.Empty() || got.Neutral:
				t.Errorf("got %+v (%s), want %s", p, got.Skip, c.want)
			case !strings.HasPrefix(p.Caption.Reveal(), "Hier ist ein Lageplan.\n\n") || got.Message.Seen.Reveal() != p.Caption.Reveal()+"\n\n["+strings.TrimPrefix(c.want, "maps/")+"]":
				t.Errorf("says %q, and the chart has %q", p.Caption.Reveal(), got.Message.Seen.Reveal())
			}
		})
	}
}

// TestNoMapOfASite: none is sent by SMS, out of the window, or where none is configured.
func TestNoMapOfASite(t *testing.T) {
	v, sites := visit(t, "booked", march9), mapOfSites(t)
	for _, c := range []struct {
		name  string
		book  *journey.Book
		reply string
		want  string
	}{
		{"by WhatsApp", sites, "wamid.1", "where, answer:where, answer:where:map"},
		{"by SMS", sites, pipeline.SMSReply("m1"), "where, answer:where"},
		{"none is configured", everything(t), "wamid.1", "where, answer:where"},
	} {
		th := about(t, c.book, v, "")
		th.Now, th.Lookup = moment(t, before), directory(at(t, "1", m{"name": "House 1"}))
		r := text("Wo?")
		r.ID, r.Kind, r.At = c.reply, "text", th.Now
		o, err := c.book.Understand(r, th)
		if err != nil {
			t.Fatal(err)
		}
		if got := heard(o); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	n := pipeline.Notification{Journey: "directions", Step: "answer:where:map", Subject: "Appointment/1", Patient: "Patient/1", Recipient: "Patient/1", ReplyTo: "wamid.1"}
	for name, f := range map[string]pipeline.Facts{
		"out of the window": {}, "by SMS": {Window: true, Plain: true},
		"of a sensitive visit": {Window: true, Subject: visit(t, "booked", march9, labels("PSY"))},
	} {
		if f.Subject == nil {
			f.Subject = v
		}
		f.Patient, f.Lookup = patient(t, "Erika", "de"), directory(at(t, "1", m{"name": "House 1"}))
		if got := compose(t, sites, n, f); got.Skip == "" {
			t.Errorf("%s: got %+v", name, got.Message)
		}
	}
}

// TestTheMapOfASiteComesSoonOrNotAtAll: the place may be sent as long as the patient may be written to.
func TestTheMapOfASiteComesSoonOrNotAtAll(t *testing.T) {
	book, v := mapOfSites(t), visit(t, "booked", march9)
	for _, c := range []struct {
		name             string
		age, place, site time.Duration // before and after now
	}{
		{"asked now", 0, 24 * time.Hour, 15 * time.Minute},
		{"asked a day ago, almost", 23*time.Hour + 50*time.Minute, 10 * time.Minute, 10 * time.Minute},
	} {
		th := about(t, book, v, "")
		th.Now, th.Lookup = moment(t, before), directory(at(t, "1", m{"name": "House 1"}))
		r := text("Wo?")
		r.ID, r.Kind, r.At = "wamid.1", "text", th.Now.Add(-c.age)
		o, err := book.Understand(r, th)
		if err != nil || len(o.Say) != 2 {
			t.Fatalf("%s: got %s, %v", c.name, heard(o), err)
		}
		if place, site := o.Say[0].Expires.Sub(th.Now), o.Say[1].Expires.Sub(th.Now); place != c.place || site != c.site {
			t.Errorf("%s: the place expires after %v and the map after %v, want %v and %v", c.name, place, site, c.place, c.site)
		}
	}
}

func TestProblemsOfMaps(t *testing.T) {
	const journeyFile, templateFile = "journeys/directions.yaml", "templates/directions_map.yaml"
	for _, c := range []struct{ name, file, old, now, want string }{
		{"a map that there is not", journeyFile, "map: directions_map", "map: directions_mop", `unknown template "directions_mop", did you mean "directions_map"?`},
		{"a map that is none", journeyFile, "map: directions_map", "map: directions_place", `"directions_place" shows no map: image: true`},
		{"a map without a reply", journeyFile, "    reply: directions_place\n", "", "goes with the reply of an answer with do: note"},
		{"a map that is asked of people", journeyFile, "do: note", "do: task", "goes with the reply of an answer with do: note"},
		{"a map in place of the reply", journeyFile, "reply: directions_place", "reply: directions_map", "which is sent beside the reply of an answer: map: directions_map"},
		{"a map as news", journeyFile, "send: directions", "send: directions_map", "which is sent beside the reply of an answer: map: directions_map"},
		{"a map in place of what was booked", "journeys/appointment.yaml", "done: book_requested", "done: directions_map", "which is sent beside the reply of an answer: map: directions_map"},
		{"a map in place of what was changed", "journeys/appointment.yaml", "done: change_done", "done: directions_map", "which is sent beside the reply of an answer: map: directions_map"},
		{"a map of a report", "journeys/report.yaml", "    reply: report_portal\n", "    reply: report_portal\n    map: directions_map\n", "is for the place of an Appointment or Encounter"},
		{"a map by a template", templateFile, "kind: session", "kind: template\ncategory: utility", "is only for the kind session"},
		{"a map with a footer", templateFile, "  de:\n    body", "  de:\n    footer: Bye\n    body", "goes with no header, footer or buttons"},
		{"a map on a map", templateFile, "image: true", "location: true\nimage: true", "goes with no place on the map, document or list"},
		{"neither true nor false", templateFile, "image: true", "image: treu", `unknown truth "treu", did you mean "true"?`},
	} {
		t.Run(c.name, func(t *testing.T) { mistaken(t, c.file, c.old, c.now, c.want) })
	}
}
