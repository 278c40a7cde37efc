package journey

// asked reads what a journey on CommunicationRequest lets others ask for.
func (l *loader) asked(o object, j *journey) {
	if j.on != typeRequest {
		for _, key := range []string{"sends", "expires", "unknown"} {
			if v := o.get(key); v.exists() {
				v.problem("is only for the journey on " + typeRequest)
			}
		}
		return
	}
	for _, key := range []string{"steps", "stale"} {
		if v := o.get(key); v.exists() {
			v.problem("is not for the journey on " + typeRequest + ": the request says what is sent, and when")
		}
	}
	a := &asked{templates: make(map[string]*template), resend: true}
	for _, v := range o.need("sends").list() {
		t := l.fits(v, j, v.text())
		switch {
		case t == nil:
			continue
		case t.session:
			v.problem("is a session text: only a template may open a conversation")
		case a.templates[t.name] != nil:
			v.problemf("%q stands twice", t.name)
		}
		a.templates[t.name] = t
	}
	if v := o.need("expires"); v.exists() {
		e, ok := parseExpiry(v.text(), "")
		if !ok || e.anchored {
			v.problem(`must be like "+2d" or "+12h": it counts from when the message is due`)
		}
		a.expires = e.offset
	}
	if v := o.get("unknown"); v.exists() {
		a.resend = v.oneOf("policy", "resend", "hold") == "resend"
	}
	j.asked = a
}

// Asks returns the names of the templates that others may ask for.
func (b *Book) Asks() []string {
	var names []string
	for _, j := range b.byType[typeRequest] {
		names = append(names, sortedKeys(j.asked.templates)...)
	}
	return names
}

// Parameters returns what a request gives a template that others may ask for: the names that it takes, and those of
// them that it needs.
func (b *Book) Parameters(template string) (takes, needs []string) {
	for _, j := range b.byType[typeRequest] {
		t := j.asked.templates[template]
		if t == nil {
			continue
		}
		for i := range t.params {
			p := &t.params[i]
			if p.asked == "" {
				continue
			}
			takes = append(takes, p.asked)
			if p.needed() {
				needs = append(needs, p.asked)
			}
		}
	}
	return takes, needs
}

// needed reports whether a request must give it: nothing stands in for it.
func (p *parameter) needed() bool { return p.or == nil && len(p.instead) == 0 }
