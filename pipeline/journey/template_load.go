package journey

import (
	"cmp"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/language"
)

// maxParams bounds the parameters of a template; no message has use for more.
const maxParams = 20

var (
	templateName  = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)
	parameterName = regexp.MustCompile(`^[a-z][a-z_]{0,59}$`)
	placeholder   = regexp.MustCompile(`\{\{(.*?)\}\}`)
)

// loadTemplates reads every template, and checks what concerns several of them.
func (l *loader) loadTemplates(fsys fs.FS) {
	for _, src := range l.sources(fsys, dirTemplates) {
		root, ok := src.parse()
		if !ok {
			continue
		}
		t := l.template(root)
		if t.name == "" {
			continue
		}
		if _, twice := l.book.templates[t.name]; twice {
			root.problemf("there are two templates with the name %q", t.name)
			continue
		}
		l.book.templates[t.name] = t
	}
	l.checkLanguages()
	l.checkDuplicates()
}

func (l *loader) template(root value) *template {
	o := root.object("template", "kind", "category", "message_send_ttl_seconds", "may_show", "parameters", "buttons", "choose", "location", "document", "image", "languages")
	t := &template{name: o.need("template").text(), mayShow: make(map[class]bool), at: root}
	if t.name != "" && !templateName.MatchString(t.name) {
		o.get("template").problem("must be lower-case letters, digits and underscores, at most 512")
	}
	t.session = o.need("kind").oneOf("kind", "template", "session") == "session"
	l.approval(o, t)
	for _, c := range o.get("may_show").list() {
		t.mayShow[class(c.oneOf("class of data", classes...))] = true
	}
	for _, m := range o.get("parameters").members() {
		t.params = append(t.params, l.parameter(m, t))
	}
	if len(t.params) > maxParams {
		o.get("parameters").problemf("must be at most %d", maxParams)
		t.params = t.params[:maxParams]
	}
	t.actions = o.get("buttons").texts()
	if v := o.get("choose"); v.exists() {
		t.choose = chooses(v.oneOf("choice", string(choosesService), string(choosesSlot), string(choosesLanguage), string(choosesOne)))
		checkChoose(v, t, o.get("location").exists())
	}
	for _, m := range o.need("languages").members() {
		t.texts = append(t.texts, t.text(m))
	}
	if v := o.get("location"); v.exists() {
		t.location = v.oneOf("truth", "true", "false") == "true"
		checkLocation(v, t)
	}
	if v := o.get("document"); v.exists() {
		t.document = v.oneOf("truth", "true", "false") == "true"
		checkDocument(v, o, t)
	}
	if v := o.get("image"); v.exists() {
		t.image = v.oneOf("truth", "true", "false") == "true"
		checkImage(v, t)
	}
	l.checkUse(o, t)
	l.match(o, t)
	return t
}

// approval reads what only a template of approved form has.
func (l *loader) approval(o object, t *template) {
	if t.session {
		for _, key := range []string{"category", "message_send_ttl_seconds"} {
			if v := o.get(key); v.exists() {
				v.problem("is only for the kind template")
			}
		}
		return
	}
	t.category = o.need("category").oneOf("category", "utility", "marketing")
	if v := o.get("message_send_ttl_seconds"); v.exists() {
		n, err := strconv.Atoi(v.text())
		if err != nil || n < 30 || n > 43200 {
			v.problem("must be a number of seconds from 30 to 43200 (12 hours)")
		}
		t.ttl = n
	}
}

// parameter reads one placeholder: the field it shows, and what stands in for that.
func (l *loader) parameter(m member, t *template) parameter {
	p := parameter{name: m.key, instead: make(map[string]string)}
	if !parameterName.MatchString(p.name) {
		m.problem("must be lower-case letters and underscores")
	}
	o := m.value.object("field", "class", "or", "else", "forms", "example")
	l.shown(o, &p, t)
	if v := o.get("or"); v.exists() {
		f := l.field(v, t)
		p.or = &f
	}
	if v := o.get("forms"); v.exists() {
		l.forms(v, &p, o.get("field"))
	}
	if last := o.get("or"); !o.get("else").exists() && last.exists() {
		l.configured(last)
	} else if !o.get("else").exists() {
		l.configured(o.get("field"))
	}
	for _, e := range o.get("else").members() {
		tag := metaTag(e.key)
		p.instead[tag] = clean(e.value.text(), maxParameter)
	}
	if v := o.get("example"); v.exists() {
		p.example = v.text()
	} else if !t.session {
		o.need("example") // Meta wants one for each variable
	}
	return p
}

func (l *loader) field(v value, t *template) field {
	name := v.text()
	visit, of := nth(name)
	f, ok := l.book.field(of)
	if visit > 0 {
		f, ok = l.book.visitField(visit, of)
		t.visits = max(t.visits, visit+1)
	}
	switch {
	case name == "":
	case !ok:
		v.problem(unknown("field", name, l.book.fieldNames()))
	case !t.mayShow[f.class]:
		v.problemf("%q shows data of the class %q, which may_show does not list", name, f.class)
	}
	t.portal = t.portal || name == "facility.portal"
	f.room = cmp.Or(f.room, maxParameter)
	if f.read == nil {
		f.read = func(*writer) string { return "" }
	}
	return f
}

// configured refuses a field of the configuration that is not there, unless something stands in for it.
func (l *loader) configured(v value) {
	s := &l.book.settings
	name := v.text()
	switch {
	case name == "facility.name" && s.Facility == "", name == "facility.phone" && s.Phone == "",
		name == "facility.portal" && s.Portal == "" && s.Documents.Results, name == "facility.emergency" && s.Emergency == "":
		v.problemf("%q is not configured", name)
	}
}

// text reads a template in one language.
func (t *template) text(m member) *text {
	x := &text{language: metaTag(m.key), rtl: rightToLeft[baseOf(m.key)]}
	if _, err := language.Parse(m.key); err != nil {
		m.problem(fmt.Sprintf("%q is no language tag", clip(m.key, 20)))
	} else if calendars[baseOf(m.key)] == nil {
		m.problem(fmt.Sprintf("no calendar for the language %q: a line in calendar.go adds one", m.key))
	}
	o := m.value.object("header", "body", "footer", "buttons", "list", "file")
	if v := o.get("header"); v.exists() {
		x.header = t.line(v)
		checkHeader(v, x.header, t.session)
	}
	if v := o.need("body"); v.exists() {
		x.body = t.line(v)
		checkBody(v, x.body, t)
	}
	if v := o.get("file"); v.exists() {
		t.file(v, x)
	}
	if v := o.get("footer"); v.exists() {
		x.footer = v.text()
		checkShort(v, x.footer, maxFooter)
	}
	t.list(o, x)
	if v := o.get("buttons"); v.exists() || len(t.actions) > 0 {
		if !v.exists() {
			o.need("buttons")
			return x
		}
		x.buttons = v.texts()
		checkButtons(v, x.buttons, len(t.actions), t.session)
	}
	return x
}

// line compiles words with placeholders.
func (t *template) line(v value) line {
	raw := strings.TrimRight(v.text(), "\n")
	l := line{raw: raw, size: len(raw)}
	end := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(raw, -1) {
		name := raw[m[2]:m[3]]
		i := slices.IndexFunc(t.params, func(p parameter) bool { return p.name == name })
		if i < 0 {
			var names []string
			for _, p := range t.params {
				names = append(names, p.name)
			}
			v.problem(unknown("placeholder", name, names))
			l.parts, end = append(l.parts, part{raw[end:m[0]], -1}), m[1]
			continue
		}
		t.params[i].used = true
		l.parts = append(l.parts, part{raw[end:m[0]], i})
		l.size -= m[1] - m[0]
		end = m[1]
	}
	l.parts = append(l.parts, part{raw[end:], -1})
	for _, p := range l.parts {
		if strings.Contains(p.words, "{{") || strings.Contains(p.words, "}}") {
			v.problem("has braces that belong to no placeholder")
			break
		}
	}
	return l
}

// match prepares the choice of a language.
func (l *loader) match(o object, t *template) {
	for _, x := range t.texts {
		tag, err := language.Parse(x.language)
		if err != nil {
			tag = language.Und
		}
		t.languages = append(t.languages, tag)
	}
	if len(t.texts) == 0 {
		if v := o.get("languages"); v.exists() {
			v.problem("needs at least one language")
		}
		return
	}
	t.matcher = language.NewMatcher(t.languages)
}

// checkUse holds the languages of a template against each other and against its parameters.
func (l *loader) checkUse(o object, t *template) {
	for _, p := range t.params {
		if !p.used {
			o.get("parameters").problem(fmt.Sprintf("%q is used in no text", p.name))
		}
	}
	for i, x := range t.texts {
		if i > 0 && !slices.Equal(t.texts[0].set(), x.set()) {
			o.get("languages").problem(fmt.Sprintf("%s and %s use different placeholders", t.texts[0].language, x.language))
		}
		for j := range t.params {
			t.params[j].checkForms(o.get("parameters"), x.language)
			if p := &t.params[j]; len(p.instead) > 0 && p.instead[x.language] == "" {
				o.get("parameters").problem(fmt.Sprintf("%q has no else in %s", p.name, x.language))
			}
		}
	}
}

// set is which parameters a text uses, header and body apart.
func (x *text) set() []int {
	header, body := x.header.params(), x.body.params()
	slices.Sort(body)
	return append(append(header, -1), slices.Compact(body)...)
}
