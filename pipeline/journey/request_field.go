package journey

import (
	"slices"
	"strings"
	"time"
)

// requestField is how the name of a field begins that a request gives.
const requestField = "request."

// shown reads the field that a parameter shows. One that a request gives has its class in the template: nobody
// else knows what others will write there.
func (l *loader) shown(o object, p *parameter, t *template) {
	v, kind := o.need("field"), o.get("class")
	name, asked := strings.CutPrefix(v.text(), requestField)
	if !asked {
		if kind.exists() {
			kind.problem("is only for a field that a request gives: " + requestField + "NAME")
		}
		p.field = l.field(v, t)
		return
	}
	if !plainName.MatchString(name) {
		v.problem("must be lower-case letters, digits and underscores, at most 40")
	}
	c := class(o.need("class").oneOf("class of data", classes...))
	if c != "" && slices.Contains(classes, string(c)) && !t.mayShow[c] {
		kind.problemf("%q shows data of the class %q, which may_show does not list", v.text(), c)
	}
	p.asked = name
	p.field = field{class: c, of: typeRequest, room: maxParameter, read: func(w *writer) string { return w.given(name, c) }}
}

// given is what a request gives for a parameter. A date or a clock time of the schedule class is written as the
// patient's language writes it.
func (w *writer) given(name string, c class) string {
	if w.request() == nil {
		return ""
	}
	for _, p := range w.request().Parameters() {
		if p.Name != name {
			continue
		}
		text := strings.TrimSpace(p.Value)
		if c != classSchedule {
			return text
		}
		if day, err := time.Parse(time.DateOnly, text); err == nil {
			return w.calendar.date(day)
		}
		if moment, err := time.Parse("15:04", text); err == nil {
			return w.calendar.clock(moment)
		}
		return text
	}
	return ""
}
