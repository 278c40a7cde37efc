package journey

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// pluralForms are the categories of CLDR by the names under which words are written for them.
var pluralForms = map[plural.Form]string{
	plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other",
}

// pluralOrder is the order in which CLDR names them.
var pluralOrder = []string{"zero", "one", "two", "few", "many", "other"}

// pluralForm returns which form of a noun stands after a whole number from 0 in a language, a tag
// as Meta or BCP 47 writes it: zero, one, two, few, many or other. Each language uses some of them, and
// "other" always; it is the form too for a tag that is none
// (https://cldr.unicode.org/index/cldr-spec/plural-rules).
func pluralForm(tag string, n int) string {
	return pluralForms[plural.Cardinal.MatchPlural(language.Make(tag), n, 0, 0, 0, 0)]
}

// maxNumber is the largest number that a message shows. What is more is no number that one reads in a message.
const maxNumber = 999

// formsOf are the forms that the whole numbers of a message have in a language. Of "other" Polish has none: it
// is for fractions.
func formsOf(tag string) []string {
	used := make(map[string]bool)
	for n := range maxNumber + 1 {
		used[pluralForm(tag, n)] = true
	}
	return slices.DeleteFunc(slices.Clone(pluralOrder), func(form string) bool { return !used[form] })
}

// numbers are the fields that give a whole number. Those that an engineer has defined may, too.
var numbers = map[string]bool{}

// forms are the words around a number, by the form of the noun. Meta approves the words of a template as they
// stand, so that what is inflected is in the value of a parameter.
type forms map[string]string

// inflected returns the words for a number, "" if text is none that they are for.
func (f forms) inflected(tag, name, text string) string {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxNumber {
		return ""
	}
	return strings.ReplaceAll(f[pluralForm(tag, n)], placeholderOf(name), strconv.Itoa(n))
}

func placeholderOf(name string) string { return "{{" + name + "}}" }

// room is how many characters they take at most.
func (f forms) room(name string) int {
	most := 0
	for _, text := range f {
		most = max(most, utf8.RuneCountInString(strings.ReplaceAll(text, placeholderOf(name), strconv.Itoa(maxNumber))))
	}
	return most
}

// forms reads the forms of a parameter, by language.
func (l *loader) forms(v value, p *parameter, field value) {
	if name := field.text(); !numbers[name] {
		if _, own := l.book.settings.Fields[name]; !own {
			field.problemf("%q gives no number, which forms are for", name)
		}
	}
	p.forms = make(map[string]forms)
	for _, m := range v.members() {
		tag := metaTag(m.key)
		needed := formsOf(tag)
		read := make(forms)
		for _, form := range m.value.members() {
			if !slices.Contains(needed, form.key) {
				form.problem(fmt.Sprintf("%s has %s, not %q", m.key, strings.Join(needed, ", "), clip(form.key, 20)))
				continue
			}
			read[form.key] = l.form(form.value, p.name)
		}
		for _, form := range needed {
			if _, there := read[form]; !there {
				m.problem(fmt.Sprintf("needs %q in %s", form, m.key))
			}
		}
		p.forms[tag] = read
	}
}

// form reads the words for one form. They need not show the number: a dual says it by itself.
func (l *loader) form(v value, name string) string {
	text := clean(v.text(), maxParameter)
	rest := strings.ReplaceAll(text, placeholderOf(name), "")
	switch {
	case text == "":
		v.problem("is empty")
	case strings.ContainsAny(rest, "{}"):
		v.problem("has braces that belong to no placeholder: only " + placeholderOf(name) + " may stand here")
	}
	return text
}

// checkForms demands the forms of a number in every language of a template.
func (p *parameter) checkForms(v value, tag string) {
	if p.forms != nil && p.forms[tag] == nil {
		v.problem(fmt.Sprintf("%q has no forms in %s", p.name, tag))
	}
}
