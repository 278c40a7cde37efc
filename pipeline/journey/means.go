package journey

import "strings"

// means adds the conditions that a journey makes of others, by name: "NAME", "not NAME" and "became
// NAME". Of "any" one must hold, of "all" every one. It may use those above it.
func (v vocabulary) means(definitions value) {
	for _, m := range definitions.members() {
		o := m.value.object("any", "all")
		some, all := o.get("any"), o.get("all")
		switch {
		case !plainName.MatchString(m.key):
			m.problem("must be lower-case letters, digits and underscores, at most 40")
			continue
		case v[m.key].holds != nil:
			m.problem("means something already")
			continue
		case some.exists() == all.exists():
			m.problem("needs either any or all")
			continue
		}
		is, not := v.sides(some)
		yes, no := one(is), every(not)
		if all.exists() {
			is, not = v.sides(all)
			yes, no = every(is), one(not)
		}
		v[m.key], v["not "+m.key] = phrase{holds: yes}, phrase{holds: no}
		v["became "+m.key] = phrase{holds: yes, fires: func(previous, current *scene) bool {
			return yes(current) && (previous == nil || !yes(previous))
		}}
	}
}

// sides returns the conditions of a list, and the contrary of each. Where a condition cannot be
// told, neither it nor its contrary holds; so one is not made of the other if there are both.
func (v vocabulary) sides(list value) (is, not []func(*scene) bool) {
	for _, item := range list.list() {
		w := v.clauses(item)
		if w.edge != nil || len(w.clauses) > 1 {
			item.problem("must be one condition that says how things are")
		}
		for _, p := range w.clauses {
			if p.once {
				item.problem(`"told" is for the "when" of a step`)
			}
			is, not = append(is, p.holds), append(not, v.contrary(p))
		}
	}
	return is, not
}

// contrary returns the contrary of a condition. That of one which cannot be told does not hold either.
func (v vocabulary) contrary(p phrase) func(*scene) bool {
	contrary, ok := v["not "+p.text]
	if bare, negated := strings.CutPrefix(p.text, "not "); negated {
		contrary, ok = v[bare]
	}
	if !ok {
		return func(s *scene) bool { return !p.holds(s) }
	}
	return contrary.holds
}

func one(of []func(*scene) bool) func(*scene) bool {
	return func(s *scene) bool {
		for _, holds := range of {
			if holds(s) {
				return true
			}
		}
		return false
	}
}

func every(of []func(*scene) bool) func(*scene) bool {
	return func(s *scene) bool {
		for _, holds := range of {
			if !holds(s) {
				return false
			}
		}
		return true
	}
}
