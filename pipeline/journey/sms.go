package journey

import (
	"slices"
	"strings"

	"fhirbridge/pipeline"
)

// plainClasses are the classes of data that may go by SMS, which is not encrypted on its way. Who gives care and what is to be done
// before may disclose what a visit is for.
var plainClasses = []class{className, classSchedule, classPlace, classFacility}

// plain reports whether a template may go by SMS: words alone, that show nothing but the classes above.
func (t *template) plain() bool {
	if t.document || t.image || t.choose != choosesNothing {
		return false
	}
	for c := range t.mayShow {
		if !slices.Contains(plainClasses, c) {
			return false
		}
	}
	return true
}

// inWords is the message as an SMS has it: the body, what may be answered, and the footer. There is no header and no button:
// whoever answers writes one of the titles, or what else means it.
func (t *template) inWords(x *text, values []string, attempt string) pipeline.Message {
	var b strings.Builder
	x.body.write(&b, values)
	if len(x.buttons) > 0 {
		b.WriteString("\n\n" + strings.Join(x.buttons, " / "))
	}
	if x.footer != "" {
		b.WriteString("\n\n" + x.footer)
	}
	words := pipeline.NewPrivate(b.String())
	return pipeline.Message{Attempt: attempt, Language: x.language, Text: words, Seen: words}
}

// unfit reports whether an answer leads to what does not go by SMS: a list, a document, or the question who somebody is. Then
// people answer.
func (h *hearing) unfit(a *answer) bool {
	if !pipeline.BySMS(h.reply.ID) {
		return false
	}
	switch a.do {
	case doSend, doIdentify, doBook:
		return true
	case doChange:
		return h.moves(a)
	}
	return a.reply != nil && !a.reply.plain()
}
