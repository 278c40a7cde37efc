package journey_test

import (
	"testing"
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
	return journey.Settings{Name: "Harbour Hospital", Zone: zone(t, "Europe/Berlin"), Language: "en", Country: "DE"}
}

// shipped is the Book of the files that come with the bridge.
func shipped(t testing.TB) *journey.Book {
	t.Helper()
	book, problems := journey.Load(configs.Journeys(), configs.Templates(), settings(t))
	for _, p := range problems {
		t.Error(p)
	}
	if book == nil {
		t.FailNow()
	}
	return book
}

func TestExamples(t *testing.T) {
	for _, p := range shipped(t).RunExamples() {
		t.Error(p)
	}
}
