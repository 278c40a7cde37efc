package journey

import (
	"strings"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// unsure reports whether a word comes from a number that may be somebody else's by now. It decides nothing: people read it.
// A tap and a quote are of somebody who has the message, and the answer to who they are is what removes the doubt.
func (h *hearing) unsure() bool {
	t := &h.thread
	if t.Unverified.IsZero() || t.How == "asked" || h.pointed() {
		return false
	}
	var owner fhir.Resource
	if p := h.proxy(); p != nil {
		owner = p
	} else if p := h.patient(); p != nil {
		owner = p
	}
	return owner == nil || !pipeline.Vouched(owner, t.From, t.Unverified, t.Now, h.book.settings.Country)
}

// neutral reports whether what a step says by a template tells nothing of the patient: it shows the facility alone, and is said
// in a conversation about nothing, or asks who somebody is.
func (j *journey) neutral(step string, t *template) bool {
	for c := range t.mayShow {
		if c != classFacility {
			return false
		}
	}
	if t.document || t.location || t.image || t.choose != choosesNothing && t.choose != choosesLanguage || !strings.HasPrefix(step, answerStep) {
		return false
	}
	if j.on == typeMessage {
		return true
	}
	a := j.answers[answerOf(step)]
	return a != nil && (a.do == doSend || a.do == doIdentify)
}
