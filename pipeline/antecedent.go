package pipeline

import "fhirbridge/fhir"

// Antecedent is a message that a reply may be about when nothing but its time says which: of each journey, subject
// and patient the newest that asks for an answer. A message that told of several visits at once is one for each of them: Sent
// has the Notification of that visit then, and the one Attempt.
type Antecedent struct {
	Sent SentMessage
	// Subject, SubjectVersion, Known and Tries are as in Thread, of what Sent is about.
	Subject        fhir.Resource
	SubjectVersion string
	Known          Known
	Tries          Tries
}

// About returns the thread of a reply that was found to be about the n-th of its antecedents, counted from 1; 0, and what
// is none of them, leaves it as it is.
func (t Thread) About(n int) Thread {
	if n < 1 || n > len(t.Antecedents) {
		return t
	}
	c := t.Antecedents[n-1]
	sent := c.Sent
	t.Sent, t.Subject, t.SubjectVersion, t.Known, t.Tries = &sent, c.Subject, c.SubjectVersion, c.Known, c.Tries
	if t.How == "several" {
		t.How = "only"
	}
	t.From = sent.Attempt.Address
	if t.Language == "" {
		t.Language = sent.Attempt.Language
	}
	return t
}
