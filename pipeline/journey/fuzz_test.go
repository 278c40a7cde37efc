package journey_test

import (
	"io/fs"
	"testing"
	"time"

	"fhirbridge/configs"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// Whatever is in a file, loading ends with a Book or with problems, and what a Book says can be asked.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(soundJourney), []byte(soundTemplate))
	for dir, fsys := range map[string]fs.FS{"journeys": configs.Journeys(), "templates": configs.Templates()} {
		names, err := fs.Glob(fsys, "*.yaml")
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range names {
			raw, err := fs.ReadFile(fsys, name)
			if err != nil {
				f.Fatal(err)
			}
			if dir == "journeys" {
				f.Add(raw, []byte(soundTemplate))
			} else {
				f.Add([]byte(soundJourney), raw)
			}
		}
	}
	for _, odd := range []string{"", "a", "[", "- - -", "{a: &x [*x]}", "<<: {a: b}", "? [a]\n: b", "journey: !!binary x", "steps: [[[[[[", "\xff", "on: |\n  Appointment", "journey: ~"} {
		f.Add([]byte(odd), []byte(odd))
	}
	s := journey.Settings{Facility: "Harbour Hospital", Timezone: time.UTC, Language: "en", Country: "DE", Emergency: "112"}
	f.Fuzz(func(t *testing.T, visits, hello []byte) {
		journeys, templates := files("journeys/visit.yaml", string(visits), "templates/hello.yaml", string(hello), "templates/thanks.yaml", soundSession)
		book, problems := journey.Load(journeys, templates, s)
		if (book == nil) == (len(problems) == 0) {
			t.Fatalf("a book %v and %d problems", book != nil, len(problems))
		}
		if book == nil {
			return
		}
		book.RunExamples()
		book.MetaTemplates()
		v := visit(t, "booked", march9)
		plan, err := book.Decide(pipeline.Change{Current: v, Version: "1", Now: moment(t, before), Lookup: directory()})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range plan.Wanted {
			if _, err := book.Compose(n, pipeline.Facts{Subject: v, Now: n.Due, Lookup: directory()}, attempt); err != nil {
				t.Fatal(err)
			}
		}
	})
}
