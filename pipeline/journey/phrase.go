package journey

import (
	"fmt"
	"strings"
)

// phrase is one clause of a "when". An edge says that something has happened
// between two versions; a condition says how things are.
type phrase struct {
	// text is the clause as the file has it.
	text string
	// fires is set for an edge. The previous scene is nil if there is no previous version.
	fires func(previous, current *scene) bool
	// holds says whether what the clause speaks of is still so.
	holds func(*scene) bool
	// contrary says whether it is certain that it is not so; only an item of never has it.
	contrary func(*scene) bool
	// once is set for a condition that matters when the step is planned and not later.
	once bool
	// gone is set for an edge that may be that there is no subject any more. All others need one.
	gone bool
}

// when is a compiled "when": every clause must hold.
type when struct {
	edge    *phrase
	clauses []phrase
}

// fires reports whether the change is what the step waits for.
func (w when) fires(previous, current *scene) bool {
	if w.edge == nil || current.gone && !w.edge.gone || !w.edge.fires(previous, current) {
		return false
	}
	return w.allowed(current)
}

// allowed reports whether every condition holds, those too that matter only when a step is planned.
func (w when) allowed(s *scene) bool {
	for _, c := range w.clauses {
		if !c.holds(s) {
			return false
		}
	}
	return true
}

// holds reports whether the step is still wanted.
func (w when) holds(s *scene) bool {
	if w.edge != nil && !w.edge.holds(s) || s.gone && (w.edge == nil || !w.edge.gone) {
		return false
	}
	for _, c := range w.clauses {
		if !c.once && !c.holds(s) {
			return false
		}
	}
	return true
}

// vocabulary is the closed set of phrases about a type of resource.
type vocabulary map[string]phrase

// condition adds a condition and its contrary.
func (v vocabulary) condition(name string, once bool, is func(*scene) bool) {
	v[name] = phrase{holds: is, once: once}
	v["not "+name] = phrase{holds: func(s *scene) bool { return !is(s) }, once: once}
}

// state adds "is name" and "became name". It becomes so when it is and was not.
func (v vocabulary) state(name string, is func(*scene) bool) {
	v["is "+name] = phrase{holds: is}
	v["became "+name] = phrase{holds: is, fires: func(previous, current *scene) bool {
		return is(current) && (previous == nil || !is(previous))
	}}
}

func (v vocabulary) names() []string {
	names := make([]string, 0, len(v))
	for name := range v {
		names = append(names, name)
	}
	return names
}

// clauses reads a text like "is booked and not answered".
func (v vocabulary) clauses(at value) when { return v.read(at, at.text()) }

// read reads a text that is a part of a value.
func (v vocabulary) read(at value, text string) when {
	var w when
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return w
	}
	for _, clause := range strings.Split(text, " and ") {
		p, ok := v[clause]
		p.text = clause
		switch {
		case !ok:
			at.problem(unknownPhrase(clause, v.names()))
		case p.fires != nil && w.edge != nil:
			at.problemf("%q: only one thing can happen at a time", text)
		case p.fires != nil:
			w.edge = &p
		default:
			w.clauses = append(w.clauses, p)
		}
	}
	return w
}

func unknownPhrase(clause string, valid []string) string {
	if near := nearest(clause, valid); near != "" {
		return fmt.Sprintf("unknown condition %q, did you mean %q?", clause, near)
	}
	return fmt.Sprintf("unknown condition %q: see docs/journeys.md for what can be said", clip(clause, 60))
}
