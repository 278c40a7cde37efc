package journey

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"

	"fhirbridge/pipeline"
)

// template is what is said, in every language. Of kind "template" it is sent as
// approved by Meta; of kind "session" freely, within 24 hours of the patient's last message.
type template struct {
	name      string
	session   bool
	category  string
	ttl       int
	mayShow   map[class]bool
	params    []parameter
	actions   []string // of the buttons, in their order
	document  bool     // it carries the report
	portal    bool     // it shows the address of the portal, without which nothing is said by it
	choose    chooses  // what its list offers
	visits    int      // how many it tells of; 0 and 1 are one
	location  bool     // the place of the visit is sent in its stead, where its position is known
	image     bool     // it is the caption of the map of the place
	texts     []*text
	matcher   language.Matcher
	languages []language.Tag
	at        value // for problems about its use
}

// parameter is one placeholder.
type parameter struct {
	name    string
	field   field
	or      *field            // taken when the field is empty
	instead map[string]string // words by language for when there is neither
	forms   map[string]forms  // words around a number by language; nil for what is no number
	example string
	used    bool
	// asked is the name by which a request gives it, "" for what no request gives.
	asked string
}

// room is how many characters it takes at most.
func (p *parameter) room() int {
	n := p.field.room
	if p.or != nil {
		n = max(n, p.or.room)
	}
	if len(p.instead) > 0 {
		n = max(n, maxParameter)
	}
	for _, f := range p.forms {
		n = max(n, f.room(p.name))
	}
	return n
}

// text is a template in one language.
type text struct {
	language string // as Meta writes it
	rtl      bool
	header   line
	body     line
	footer   string
	buttons  []string
	list     listText
	file     string // how the document is called, "" if it carries none
}

// line is words with placeholders.
type line struct {
	raw  string
	size int // in bytes, without the placeholders
	// parts are literal words, each followed by a parameter; the last by none (-1).
	parts []part
}

type part struct {
	words string
	param int
}

// params are the indices of the parameters that occur.
func (l line) params() []int {
	var list []int
	for _, p := range l.parts {
		if p.param >= 0 {
			list = append(list, p.param)
		}
	}
	return list
}

// fixed is how many characters the words have without the placeholders.
func (l line) fixed() int {
	n := 0
	for _, p := range l.parts {
		n += utf8.RuneCountInString(p.words)
	}
	return n
}

// write appends the line with values in place of its placeholders.
func (l line) write(b *strings.Builder, values []string) {
	for _, p := range l.parts {
		b.WriteString(p.words)
		if p.param >= 0 {
			b.WriteString(values[p.param])
		}
	}
}

// in returns the text that someone with one of these languages reads, the first that
// fits: the tag itself, else its base, else what readers of it understand. nil if there is none.
func (t *template) in(tags ...string) *text {
	for _, tag := range tags {
		if tag == "" {
			continue
		}
		if x := t.exactly(tag); x != nil {
			return x
		}
		parsed, err := language.Parse(tag)
		if err != nil {
			continue
		}
		if _, i, confidence := t.matcher.Match(parsed); confidence >= language.High {
			return t.texts[i]
		}
	}
	return nil
}

// exactly finds the text of a tag or of its base, without parsing the tag: the common case.
func (t *template) exactly(tag string) *text {
	var base *text
	for _, x := range t.texts {
		if sameTag(x.language, tag) {
			return x
		}
		if base == nil && len(tag) > len(x.language) && (tag[len(x.language)] == '-' || tag[len(x.language)] == '_') &&
			strings.EqualFold(tag[:len(x.language)], x.language) {
			base = x
		}
	}
	return base
}

// sameTag compares tags without regard to case and to how subtags are joined.
func sameTag(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		x, y := a[i], b[i]
		if x == '-' {
			x = '_'
		}
		if y == '-' {
			y = '_'
		}
		if x != y && (x|0x20 != y|0x20 || x|0x20 < 'a' || x|0x20 > 'z') {
			return false
		}
	}
	return true
}

// values reads the facts of each parameter; missing reports that one has none.
func (t *template) values(x *text, w *writer) (values []string, missing bool) {
	values = make([]string, len(t.params))
	for i := range t.params {
		p := &t.params[i]
		v := clean(p.field.read(w), p.field.room)
		if p.forms != nil {
			v = p.forms[x.language].inflected(x.language, p.name, v)
		}
		if v == "" && p.or != nil {
			v = clean(p.or.read(w), p.or.room)
		}
		if v == "" {
			v = p.instead[x.language]
		}
		if v == "" {
			return nil, true
		}
		if x.rtl && !strings.HasPrefix(v, "https://") { // an address stays one only as it is
			v = isolated(v)
		}
		values[i] = v
	}
	return values, false
}

// seen is the whole text as the patient reads it: the header, the body, the footer, and a
// line of buttons in brackets, with empty lines between them.
func (t *template) seen(x *text, body string, values []string) string {
	var b strings.Builder
	b.Grow(len(x.header.raw) + len(body) + len(x.footer) + 64)
	if len(x.header.parts) > 0 {
		x.header.write(&b, x.headerValues(values))
		b.WriteString("\n\n")
	}
	b.WriteString(body)
	if x.footer != "" {
		b.WriteString("\n\n")
		b.WriteString(x.footer)
	}
	for i, title := range x.buttons {
		if i == 0 {
			b.WriteString("\n\n[")
		} else {
			b.WriteString(" [")
		}
		b.WriteString(title)
		b.WriteByte(']')
	}
	return b.String()
}

// headerValues returns the values as a header shows them, which has less room.
func (x *text) headerValues(values []string) []string {
	params := x.header.params()
	if len(params) == 0 {
		return values
	}
	values = slices.Clone(values)
	for _, i := range params {
		values[i] = clip(values[i], maxHeader-x.header.fixed())
	}
	return values
}

// message renders the template for one patient.
func (t *template) message(x *text, values []string, attempt string) pipeline.Message {
	var b strings.Builder
	b.Grow(x.body.size + 40*len(values))
	x.body.write(&b, values)
	body := b.String()
	m := pipeline.Message{Attempt: attempt, Language: x.language, Seen: pipeline.NewPrivate(t.seen(x, body, values))}
	buttons := make([]pipeline.Button, len(x.buttons))
	for i, title := range x.buttons {
		buttons[i] = pipeline.Button{Payload: pipeline.Token(attempt, i+1), Title: title, Index: i}
	}
	switch {
	case !t.session:
		m.Template = t.approved(x, values, buttons)
	case len(buttons) > maxSessionButton:
		m.Interactive = &pipeline.Interactive{Body: pipeline.NewPrivate(body), Header: x.header.raw, Footer: x.footer, List: x.rows(buttons)}
	case len(buttons) > 0 || len(x.header.parts) > 0 || x.footer != "":
		m.Interactive = &pipeline.Interactive{
			Body: pipeline.NewPrivate(body), Header: x.header.raw, Footer: x.footer, Buttons: buttons,
		}
	default:
		m.Text = pipeline.NewPrivate(body)
	}
	return m
}

// approved is the template as Meta takes it: its name, and what stands in its places.
func (t *template) approved(x *text, values []string, buttons []pipeline.Button) *pipeline.Template {
	out := &pipeline.Template{Name: t.name, Buttons: buttons}
	for _, i := range x.header.params() {
		out.Header = &pipeline.Parameter{Name: t.params[i].name, Text: pipeline.NewPrivate(x.headerValues(values)[i])}
	}
	done := 0 // a placeholder that occurs twice is one parameter
	out.Body = make([]pipeline.Parameter, 0, len(values))
	for _, p := range x.body.parts {
		if p.param >= 0 && done&(1<<p.param) == 0 {
			done |= 1 << p.param
			out.Body = append(out.Body, pipeline.Parameter{Name: t.params[p.param].name, Text: pipeline.NewPrivate(values[p.param])})
		}
	}
	return out
}
