package journey_test

import (
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
	_ "time/tzdata"

	"fhirbridge/configs"
	"fhirbridge/pipeline/journey"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func settings(t testing.TB) journey.Settings {
	return journey.Settings{
		Facility: "Harbour Hospital", Timezone: zone(t, "Europe/Berlin"), Language: "en", Country: "DE", Emergency: "112",
		Portal: "https://portal.example.org", Documents: journey.Documents{Results: true, Tries: 3, Daily: 6},
	}
}

// shipped is the Book of the files that come with the bridge, without the journeys around a visit: these send messages
// of their own about the same visits.
func shipped(t testing.TB) *journey.Book {
	t.Helper()
	some := fstest.MapFS{}
	for _, name := range []string{"appointment.yaml", "conversation.yaml", "report.yaml"} {
		some[name] = &fstest.MapFile{Data: []byte(file(t, configs.Journeys(), name))}
	}
	return book(t, some)
}

// everything is the Book of all files that come with the bridge.
func everything(t testing.TB) *journey.Book {
	t.Helper()
	return book(t, configs.Journeys())
}

func book(t testing.TB, journeys fs.FS) *journey.Book {
	t.Helper()
	return read(t, journeys, settings(t))
}

// books are those that some test has read, by what was read: that takes longer than most tests.
var books sync.Map

// read is the Book of journeys with the templates that come with the bridge.
func read(t testing.TB, journeys fs.FS, s journey.Settings) *journey.Book {
	t.Helper()
	plain := s
	plain.Timezone, plain.Parse = nil, nil
	var key strings.Builder
	fmt.Fprintf(&key, "%s %v %+v", s.Timezone, s.Parse == nil, plain)
	names, err := fs.Glob(journeys, "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		fmt.Fprintf(&key, "\n%s\n%s", name, file(t, journeys, name))
	}
	type result struct {
		book     *journey.Book
		problems []journey.Problem
	}
	once, _ := books.LoadOrStore(key.String(), sync.OnceValue(func() result {
		book, problems := journey.Load(journeys, configs.Templates(), s)
		return result{book, problems}
	}))
	r := once.(func() result)()
	if len(r.problems) > 0 {
		t.Fatal(r.problems)
	}
	return r.book
}

func file(t testing.TB, fsys fs.FS, name string) string {
	t.Helper()
	raw, err := fs.ReadFile(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestExamples(t *testing.T) {
	for _, p := range everything(t).RunExamples() {
		t.Error(p)
	}
}

func load(t testing.TB, s journey.Settings) *journey.Book {
	t.Helper()
	return read(t, configs.Journeys(), s)
}

// files makes the two directories out of pairs of names and texts.
func files(pairs ...string) (journeys, templates fstest.MapFS) {
	journeys, templates = fstest.MapFS{}, fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		dir, name, _ := strings.Cut(pairs[i], "/")
		into := journeys
		if dir == "templates" {
			into = templates
		}
		into[name] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return journeys, templates
}

// with is a Book of these files alone.
func with(t testing.TB, pairs ...string) *journey.Book {
	t.Helper()
	journeys, templates := files(pairs...)
	book, problems := journey.Load(journeys, templates, settings(t))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return book
}
