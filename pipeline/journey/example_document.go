package journey

import (
	"slices"

	"fhirbridge/pipeline"
)

// exampleAttempt stands for the random id of an attempt.
const exampleAttempt = "exampleattempta0"

// inWindow reports whether the patient may be sent more than templates.
func (p *play) inWindow() bool { return !p.heard.IsZero() && p.now.Sub(p.heard) < window }

// withheld says what is said instead of a document that is not for the patient to have. Where one lies, an example does not look.
func (p *play) withheld(a *pipeline.Attach) bool {
	if a == nil || a.Form != nil {
		return false
	}
	p.known.Open = append(slices.Clone(p.known.Open), a.Instead...)
	return true
}

// tried counts a wrong date of birth.
func (p *play) tried(try *pipeline.Try) {
	if try != nil && !try.Passed {
		p.tries++
	}
}
