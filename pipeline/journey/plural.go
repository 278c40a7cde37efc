package journey

import (
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// pluralForms are the categories of CLDR by the names under which words are written for them.
var pluralForms = map[plural.Form]string{
	plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other",
}

// pluralForm returns which form of a noun stands after a whole number from 0 in a language, a tag
// as Meta or BCP 47 writes it: zero, one, two, few, many or other. Each language uses some of them, and
// "other" always; it is the form too for a tag that is none
// (https://cldr.unicode.org/index/cldr-spec/plural-rules).
func pluralForm(tag string, n int) string {
	return pluralForms[plural.Cardinal.MatchPlural(language.Make(tag), n, 0, 0, 0, 0)]
}
