package journey

import (
	"cmp"
	"slices"
	"strings"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// maxRows is how many rows a list has at most
// (https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-list-messages).
const maxRows = 10

// speaks reads the languages that an answer offers. Each becomes an answer of its own, as language_de: its names are
// understood in every language.
func (l *loader) speaks(o object, a *answer, j *journey) {
	if a.do == doDisown && a.reply != nil {
		checkStranger(o.get("reply"), a.reply)
	}
	names, chosen := o.get("names"), o.get("chosen")
	if a.do != doSpeak {
		for _, v := range []value{names, chosen} {
			if v.exists() {
				v.problem("is only for the choice of a language: do: speak")
			}
		}
		return
	}
	if names, chosen = o.need("names"), o.need("chosen"); !names.exists() || !chosen.exists() {
		return
	}
	said := l.fits(chosen, j, chosen.text())
	spoken := l.spoken()
	for _, m := range names.members() {
		if !slices.Contains(spoken, m.key) {
			m.problem(unknown("language", m.key, spoken))
			continue
		}
		l.choice(m, a, j, said)
	}
	var missing []string
	for _, tag := range spoken {
		if !slices.ContainsFunc(a.choices, func(c *answer) bool { return c.language == tag }) {
			missing = append(missing, tag)
		}
	}
	if len(missing) > 0 {
		names.problem("has no names for " + strings.Join(missing, ", "))
	}
	if len(a.choices) > maxRows {
		names.problemf("must be at most %d", maxRows)
	}
}

// spoken are the languages of the templates, without those of a country where there is the language itself.
func (l *loader) spoken() []string {
	var list []string
	for _, tag := range l.book.languages {
		if base := baseOf(tag); !slices.Contains(list, base) {
			list = append(list, base)
		}
	}
	return list
}

// choice reads the names of one language.
func (l *loader) choice(m member, a *answer, j *journey, said *template) {
	c := &answer{name: a.name + "_" + m.key, do: doSpeak, reply: said, language: m.key}
	if j.answers[c.name] != nil {
		m.problemf("there are two answers with the name %q", c.name)
		return
	}
	j.answers[c.name], l.book.doings[c.name] = c, doSpeak
	for _, item := range m.value.list() {
		if c.title == "" {
			c.title = strings.TrimSpace(item.text())
			checkShort(item, c.title, maxRow)
		}
		word(item, anyLanguage, c, j.words)
	}
	if c.title == "" {
		m.problem("needs a name")
	}
	a.choices = append(a.choices, c)
}

// offer makes the message a list of the choices.
func (a *answer) offer(composed *pipeline.Composed, x *text) {
	composed.Actions = nil
	if len(a.choices) == 0 {
		return
	}
	l := lister{composed: composed, list: &pipeline.List{Title: x.list.button}}
	for _, c := range a.choices {
		l.row(c.name, c.title, "")
	}
	l.into(x)
}

// speaks asks which language, or notes the one that was chosen. The record of the patient stays as it is: people
// are told, unless it says the same.
func (h *hearing) speaks(j *journey, a *answer) pipeline.Outcome {
	o := pipeline.Outcome{Reading: a.name, Say: h.say(j, answerStep+a.name, "", "")}
	for i := range o.Say {
		o.Say[i].Aside = true
		if a.language != "" {
			o.Say[i].Facts = memory{Wrote: a.language}.private()
		}
	}
	if a.language == "" {
		return o
	}
	o.Language = a.language
	if p := h.patient(); a.language != baseOf(h.thread.Chosen) && (p == nil || baseOf(p.Language()) != a.language) {
		o.Handoff = strings.TrimSuffix(a.name, "_"+a.language)
	}
	return o
}

// disowns notes that the number is not the patient's. A button or a quote says of which one; anybody else who
// writes it means whomever the number was told about.
func (h *hearing) disowns(j *journey, a *answer) pipeline.Outcome {
	t := &h.thread
	patients := slices.Clone(t.Patients)
	if t.Sent != nil && h.pointed() {
		patients = []string{t.Sent.Notification.Patient}
	}
	patients = slices.DeleteFunc(patients, func(ref string) bool { return ref == "" })
	if len(patients) == 0 && t.Disowns {
		return pipeline.Outcome{Reading: "again"}
	}
	o := pipeline.Outcome{Reading: a.name, Handoff: a.name, Disowns: patients, Say: h.say(j, answerStep+a.name, "", "")}
	for i := range o.Say {
		said := recall(o.Say[i].Facts)
		if p := h.patient(); p != nil {
			said.Language = cmp.Or(said.Language, p.Language()) // in which they have been written to
		}
		o.Say[i].Facts = said.private()
		o.Say[i].Farewell, o.Say[i].Patient, o.Say[i].Recipient = true, "", "" // it goes to somebody else
	}
	return o
}

// anyName stands in words for a name of whom the number was told about.
const anyName = "{name}"

// named is a word with such a name replaced; "" if there is none in it.
func (h *hearing) named(word string) string {
	if word == "" || h.thread.Lookup == nil {
		return ""
	}
	padded := " " + word + " "
	for _, ref := range h.thread.Patients {
		p, _ := h.thread.Lookup(ref).(*fhir.Patient)
		if p == nil {
			continue
		}
		n := p.Name(h.thread.Now)
		for _, name := range []string{n.Text, n.Given + " " + n.Family, n.Given, n.Family} {
			if name = fold(name); name != "" && strings.Contains(padded, " "+name+" ") {
				return strings.TrimSpace(strings.Replace(padded, " "+name+" ", " "+fold(anyName)+" ", 1))
			}
		}
	}
	return ""
}

// checkStranger holds what somebody reads whose number it is not: nothing of the patient.
func checkStranger(v value, t *template) {
	for c := range t.mayShow {
		if c != classFacility {
			v.problem("may show nothing but the facility: whoever reads it has said that it is not for them")
			return
		}
	}
}
