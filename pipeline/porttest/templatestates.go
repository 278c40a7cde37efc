package porttest

import (
	"testing"
	"time"

	"fhirbridge/pipeline"
)

// TemplateStates holds an implementation against the contract of
// pipeline.TemplateStates. open returns an empty one.
func TemplateStates(t *testing.T, open func(t *testing.T) pipeline.TemplateStates) {
	said := func(status pipeline.TemplateStatus, minute int) pipeline.TemplateUpdate {
		at := time.Date(2026, 3, 1, 12, minute, 0, 0, time.UTC)
		return pipeline.TemplateUpdate{Name: "reminder", Language: "de", Status: status, At: at}
	}
	other := said(pipeline.TemplatePaused, 0)
	other.Language = "en"
	quality := said("", 1)
	quality.Quality = "red"
	type words = []pipeline.TemplateUpdate
	cases := []struct {
		name    string
		words   words
		changes []bool // what Note reports of each
		paused  bool   // of the template in German
		other   bool   // only of another one
	}{
		{"nothing was said", nil, nil, false, false},
		{"paused", words{said("paused", 0)}, []bool{true}, true, false},
		{"paused, said twice", words{said("paused", 0), said("paused", 0)}, []bool{true, false}, true, false},
		{"paused and free again", words{said("paused", 0), said("approved", 1)}, []bool{true, true}, false, false},
		{"free and paused, in the same second", words{said("approved", 0), said("paused", 0)}, []bool{false, true}, true, false},
		{"free, and then an older pause comes", words{said("approved", 2), said("paused", 1)}, []bool{false, false}, false, false},
		{"paused, and then an older approval comes", words{said("paused", 2), said("approved", 1)}, []bool{true, false}, true, false},
		{"paused, then disabled", words{said("paused", 0), said("disabled", 1)}, []bool{true, false}, true, false},
		{"paused, disabled, and the approval between comes late", words{said("paused", 0), said("disabled", 2), said("approved", 1)}, []bool{true, false, false}, true, false},
		{"paused, and flagged", words{said("paused", 0), said("flagged", 1)}, []bool{true, false}, true, false},
		{"paused, and disliked", words{said("paused", 0), quality}, []bool{true, false}, true, false},
		{"flagged", words{said("flagged", 0)}, []bool{false}, false, false},
		{"a word of tomorrow", words{said("other", 0)}, []bool{false}, false, false},
		{"paused in another language", words{other}, []bool{true}, false, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			states := open(t)
			for i, u := range c.words {
				changed, err := states.Note(t.Context(), u)
				if err != nil || changed != c.changes[i] {
					t.Errorf("word %d: got %v, %v, want %v", i, changed, err, c.changes[i])
				}
			}
			if got, want := states.AnyPaused(), c.paused || c.other; got != want {
				t.Errorf("any paused: got %v, want %v", got, want)
			}
			if got, err := states.Paused(t.Context(), "reminder", "de"); err != nil || got != c.paused {
				t.Errorf("paused: got %v, %v, want %v", got, err, c.paused)
			}
		})
	}
}
