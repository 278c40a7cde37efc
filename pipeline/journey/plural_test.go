package journey_test

import (
	"testing"

	"fhirbridge/pipeline/journey"
)

func TestPluralForm(t *testing.T) {
	cases := []struct {
		tag, form string
		numbers   []int
	}{
		{"en", "one", []int{1}},
		{"en", "other", []int{0, 2, 11, 21, 101}},
		{"de-AT", "one", []int{1}},
		{"de-AT", "other", []int{0, 2, 21}},
		{"es_MX", "one", []int{1}},
		{"es_MX", "other", []int{0, 2, 21}},
		{"fr", "one", []int{0, 1}},
		{"fr", "other", []int{2, 11, 21, 101}},
		{"it", "one", []int{1}},
		{"it", "other", []int{0, 2, 8, 11}},
		{"pt_BR", "one", []int{0, 1}},
		{"pt_BR", "other", []int{2, 21}},
		{"pt_PT", "one", []int{1}},
		{"pt_PT", "other", []int{0, 2, 21}},
		{"tr", "one", []int{1}},
		{"tr", "other", []int{0, 2, 21}},
		{"pl", "one", []int{1}},
		{"pl", "few", []int{2, 3, 4, 22, 34, 102}},
		{"pl", "many", []int{0, 5, 11, 12, 14, 21, 25, 101, 112}},
		{"uk", "one", []int{1, 21, 31, 101}},
		{"uk", "few", []int{2, 3, 4, 22, 34, 102}},
		{"uk", "many", []int{0, 5, 11, 12, 14, 25, 111, 112}},
		{"ar", "zero", []int{0}},
		{"ar", "one", []int{1}},
		{"ar", "two", []int{2}},
		{"ar", "few", []int{3, 10, 103, 110}},
		{"ar", "many", []int{11, 25, 99, 111}},
		{"ar", "other", []int{100, 101, 102, 200}},
		{"no tag at all", "other", []int{0, 1, 2, 5}},
	}
	for _, c := range cases {
		for _, n := range c.numbers {
			if got := journey.PluralForm(c.tag, n); got != c.form {
				t.Errorf("%d in %s: got %q, want %q", n, c.tag, got, c.form)
			}
		}
	}
}
