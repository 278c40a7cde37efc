package journey

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Meta's limits, in characters
// (https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates/components).
const (
	maxHeader        = 60
	maxBody          = 1024
	maxFooter        = 60
	maxTitle         = 25
	maxSessionTitle  = 20
	maxButtons       = 10
	maxSessionButton = 3
	// minHeaderValue is what a variable needs; a value that is longer than the room is cut.
	minHeaderValue = 20
)

// checkShort checks a footer or a title: short, on one line, without variables.
func checkShort(v value, text string, limit int) {
	switch {
	case utf8.RuneCountInString(text) > limit:
		v.problemf("must be at most %d characters", limit)
	case strings.ContainsAny(text, "\n\t"):
		v.problem("must be on one line")
	case strings.Contains(text, "{{"):
		v.problem("must have no variable")
	}
}

func checkHeader(v value, l line, session bool) {
	params := l.params()
	switch {
	case strings.Contains(l.raw, "\n"):
		v.problem("must be on one line")
	case strings.ContainsAny(l.raw, "*~`"):
		v.problem("must have no formatting marks")
	case session && len(params) > 0:
		v.problem("must have no variable in a session text")
	case len(params) > 1:
		v.problem("must have at most one variable")
	case utf8.RuneCountInString(l.raw) > maxHeader:
		v.problemf("must be at most %d characters", maxHeader)
	case len(params) == 1 && l.fixed() > maxHeader-minHeaderValue:
		v.problemf("must leave %d of its %d characters to its variable", minHeaderValue, maxHeader)
	}
}

// checkBody holds a body against the rules that Meta's review applies.
func checkBody(v value, l line, t *template) {
	fixed, words, room := l.fixed(), 0, 0
	for _, p := range l.parts {
		words += len(strings.Fields(p.words))
		if p.param >= 0 {
			room += t.params[p.param].room()
		}
	}
	params := len(l.parts) - 1
	if fixed+room > maxBody {
		v.problemf("may become longer than %d characters: %d of its own, and up to %d of its variables", maxBody, fixed, room)
	}
	if t.session || params <= 0 {
		return
	}
	if strings.TrimSpace(l.parts[0].words) == "" || strings.TrimSpace(l.parts[params].words) == "" {
		v.problem("must not begin or end with a variable")
	}
	for _, p := range l.parts[1:params] {
		if strings.TrimSpace(p.words) == "" {
			v.problem("must have words between two variables")
			break
		}
	}
	if words < 2*params+1 {
		v.problemf("must have more words of its own for %d variables", params)
	}
}

func checkButtons(v value, titles []string, actions int, session bool) {
	limit, count := maxTitle, maxButtons
	if session {
		limit, count = maxSessionTitle, maxButtons
		if actions > maxSessionButton {
			limit = maxRow
		}
	}
	if len(titles) != actions {
		v.problemf("must be as many as the buttons of the template: %d, not %d", actions, len(titles))
	}
	if len(titles) > count {
		v.problemf("must be at most %d", count)
	}
	for i, title := range titles {
		checkShort(v, title, limit)
		if slices.Contains(titles[:i], title) {
			v.problemf("%q stands on two buttons", title)
		}
	}
}

// checkLocation holds a text that is sent as a place on the map against what a map shows.
func checkLocation(v value, t *template) {
	switch {
	case !t.location:
	case !t.session:
		v.problem("is only for the kind session")
	case len(t.actions) > 0 || slices.ContainsFunc(t.texts, func(x *text) bool { return len(x.header.parts) > 0 || x.footer != "" }):
		v.problem("goes with no header, footer or buttons: a place on the map has none")
	case !slices.ContainsFunc(t.params, func(p parameter) bool { return p.field.class == classPlace }):
		v.problem("needs a body that says the place too, for a place whose position is not known, and for the chart")
	}
}

// checkLanguages demands of every template the languages of all of them, and the facility's.
func (l *loader) checkLanguages() {
	var all []string
	if base := baseOf(l.book.settings.Language); calendars[base] != nil {
		all = append(all, base)
	}
	for _, t := range l.book.templates {
		for _, x := range t.texts {
			if !slices.Contains(all, x.language) {
				all = append(all, x.language)
			}
		}
	}
	slices.Sort(all)
	l.book.languages = all
	for _, t := range l.book.templates {
		var missing []string
		for _, tag := range all {
			if len(t.texts) > 0 && t.exactly(tag) == nil && !t.has(tag) {
				missing = append(missing, tag)
			}
		}
		if len(missing) > 0 {
			t.at.note(t.at.node, "languages", "has no text in "+strings.Join(missing, ", "))
		}
	}
}

// has reports whether there is a text of the same base.
func (t *template) has(tag string) bool {
	return slices.ContainsFunc(t.texts, func(x *text) bool { return tag == baseOf(x.language) })
}

// checkDuplicates refuses what Meta refuses: the same body and footer twice in a language.
func (l *loader) checkDuplicates() {
	first := make(map[string]string)
	for _, name := range sortedKeys(l.book.templates) {
		t := l.book.templates[name]
		for _, x := range t.texts {
			key := x.language + "\x00" + x.body.raw + "\x00" + x.footer
			if other, twice := first[key]; twice && !t.session {
				t.at.note(t.at.node, "languages."+x.language, fmt.Sprintf("has the same body and footer as %q", other))
			} else if !t.session {
				first[key] = name
			}
		}
	}
}
