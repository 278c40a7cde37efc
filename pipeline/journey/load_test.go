package journey_test

import (
	"io/fs"
	"strings"
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
	book, problems := journey.Load(journeys, configs.Templates(), settings(t))
	for _, p := range problems {
		t.Error(p)
	}
	if book == nil {
		t.FailNow()
	}
	return book
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
	book, problems := journey.Load(configs.Journeys(), configs.Templates(), s)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return book
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
