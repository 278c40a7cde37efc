package fhir

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// Name is a human name, ready for a message
// (https://hl7.org/fhir/R4/datatypes.html#HumanName). It prints as "[name]".
type Name struct {
	// Prefix is titles, as in "Dr. med."; Given the first given name, by which one
	// greets; Family the family name. Each may be "".
	Prefix, Given, Family string
	// Text is the whole name. It is empty only if the Name is.
	Text string
}

// Format implements fmt.Formatter and hides the name.
func (Name) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, "[name]") }

// LogValue implements slog.LogValuer and hides the name.
func (Name) LogValue() slog.Value { return slog.StringValue("[name]") }

// Informal returns the given name, else the whole name.
func (n Name) Informal() string {
	if n.Given != "" {
		return n.Given
	}
	return n.Text
}

// Formal returns prefix and family name, else the whole name.
func (n Name) Formal() string {
	if n.Family != "" {
		return join(n.Prefix, n.Family)
	}
	return n.Text
}

// DisplayName makes a Name of Reference.display, which is often the only name
// there is. "Family, Given" is taken apart; anything else is not, because
// guessing at names goes wrong.
func DisplayName(display string) Name {
	display = strings.Join(strings.Fields(display), " ")
	family, given, comma := strings.Cut(display, ", ")
	if !comma || given == "" || strings.Contains(given, ",") {
		return Name{Text: display}
	}
	first, _, _ := strings.Cut(given, " ")
	return Name{Given: first, Family: family, Text: join(given, family)}
}

// nameView is samply's, with its code as text.
type nameView struct {
	fhir.HumanName
	Use       string  `json:"use"`
	Extension skipped `json:"extension"`
}

// nameOrder ranks HumanName.use: what a person is normally called first. Not in
// it are old and maiden, which are former names.
var nameOrder = map[string]int{"usual": 1, "official": 2, "": 3, "nickname": 4, "temp": 5, "anonymous": 6}

// bestName chooses the name to use at now; the zero Name if there is none.
func bestName(list []nameView, now time.Time) Name {
	var best Name
	rank := len(nameOrder) + 1
	for i := range list {
		v := &list[i]
		r := nameOrder[v.Use]
		if r == 0 || r >= rank || !within(v.Period, now) {
			continue
		}
		if n := v.name(); n.Text != "" {
			best, rank = n, r
		}
	}
	return best
}

func (v *nameView) name() Name {
	n := Name{Prefix: join(v.Prefix...), Family: join(value(v.Family)), Text: join(value(v.HumanName.Text))}
	for _, given := range v.Given {
		if n.Given = join(given); n.Given != "" {
			break
		}
	}
	if n.Text == "" {
		n.Text = join(n.Prefix, join(v.Given...), n.Family, join(v.Suffix...))
	}
	return n
}

// join puts words together with single spaces.
func join(words ...string) string { return strings.Join(strings.Fields(strings.Join(words, " ")), " ") }
