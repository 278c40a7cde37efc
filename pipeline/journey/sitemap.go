package journey

import (
	"path"
	"slices"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// cameMap is the end of the step's name of the site map that is sent beside the reply to an answer.
const cameMap = pipeline.StepMap

// mapWithin is how long a map may come after the question for the way: it is of no use at night, or after the visit.
const mapWithin = 15 * time.Minute

// siteMap returns the picture of where the visit is, as the configuration has it: that of the place, else of what it is part of; ""
// if there is none, or if it must not be shown.
func (s *scene) siteMap() string {
	maps := s.book.settings.Maps
	if len(maps) == 0 || s.sensitive() {
		return ""
	}
	for _, p := range s.participants("Location") {
		if name := s.mapOf(p.Actor); name != "" {
			return name
		}
	}
	return ""
}

// mapOf looks for the nearest place that has a picture. A place is named by its reference, or by an identifier.
func (s *scene) mapOf(ref fhir.Reference) string {
	maps := s.book.settings.Maps
	for range depth {
		if name := maps[ref.String()]; name != "" {
			return name
		}
		identifiers := []fhir.Identifier{ref.Identifier}
		l, known := s.find(ref).(*fhir.Location)
		if known {
			identifiers = append(identifiers, l.Identifiers()...)
		}
		for _, id := range identifiers {
			if name := maps[id.System+"|"+id.Value]; name != "" {
				return name
			}
		}
		if !known {
			return ""
		}
		ref = l.PartOf()
	}
	return ""
}

// illustrated makes a message carry the map, with its words as the caption; it reports whether there is one.
func (w *writer) illustrated(m *pipeline.Message) bool {
	name := w.siteMap()
	if name == "" {
		return false
	}
	m.Picture = &pipeline.Picture{Name: name, Caption: m.Text}
	m.Text = pipeline.Private{}
	m.Seen = pipeline.NewPrivate(m.Seen.Reveal() + "\n\n[" + path.Base(name) + "]")
	return true
}

// showMap is the map that goes with the reply to an answer, if there is one of where the visit is.
func (h *hearing) showMap(j *journey, a *answer, subject string) []pipeline.Notification {
	t := &h.thread
	if a.site == nil || subject == "" || len(h.book.settings.Maps) == 0 || pipeline.BySMS(h.reply.ID) {
		return nil
	}
	if h.book.scene(t.Subject, t.Known, t.Lookup, t.Now).siteMap() == "" {
		return nil
	}
	say := h.say(j, answerStep+a.name+":"+cameMap, subject, "")
	for i := range say {
		say[i].Priority = pipeline.PriorityNews // behind the reply itself
		if soon := t.Now.Add(mapWithin); soon.Before(say[i].Expires) {
			say[i].Expires = soon
		}
	}
	return say
}

// siteMap reads what is said beside the reply to an answer: the map of the place.
func (l *loader) siteMap(v value, a *answer, j *journey) {
	if !v.exists() {
		return
	}
	a.site = l.fitsTo(choosesNothing, v, j, v.text())
	single(v, a.site, j)
	noDocument(v, a.site)
	switch {
	case a.site == nil:
	case a.do != doNote || a.reply == nil:
		v.problem("goes with the reply of an answer with do: note")
	case j.on != typeAppointment && j.on != typeEncounter:
		v.problem("is for the place of an Appointment or Encounter")
	case !a.site.image:
		v.problemf("%q shows no map: image: true", a.site.name)
	}
}

// noImage refuses a template that shows the map in a place where there may be none.
func noImage(v value, t *template) {
	if t != nil && t.image {
		v.problemf("%q shows the map of a place, which is sent beside the reply of an answer: map: %s", t.name, t.name)
	}
}

// checkImage holds a text that goes out as the caption of a picture against what such a message has.
func checkImage(v value, t *template) {
	switch {
	case !t.image:
	case !t.session:
		v.problem("is only for the kind session")
	case t.location, t.document, t.choose != choosesNothing:
		v.problem("goes with no place on the map, document or list")
	case len(t.actions) > 0 || slices.ContainsFunc(t.texts, func(x *text) bool { return len(x.header.parts) > 0 || x.footer != "" }):
		v.problem("goes with no header, footer or buttons")
	}
}
