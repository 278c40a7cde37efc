package pipeline

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"fhirbridge/fhir"
)

const consentType = "Consent"

// messagingMark is in every Consent about messages, however its JSON writes a slash.
const messagingMark = "fhirbridge.dev"

// spared reports whether a Consent is none of the bridge's business: it is not about messages, or says what the bridge
// has written itself, and nothing is kept of it. What was about messages once is no longer, and that is kept.
func (in *Intake) spared(ctx context.Context, ev Event) (bool, error) {
	if ev.Type != consentType {
		return false, nil
	}
	if bytes.Contains(ev.Resource, []byte(messagingMark)) {
		c, err := fhir.Decode(ev.Resource)
		if err != nil {
			return false, nil //nolint:nilerr // intake says what is wrong with it
		}
		if consent, ok := c.(*fhir.Consent); ok && consent.ForMessaging() && !writtenHere(consent) {
			return false, nil
		}
	}
	_, kept, err := in.Ledger.Resource(ctx, ev.Ref())
	return err == nil && !kept, err
}

// writtenHere reports whether a Consent says no more than what somebody has said to the bridge, which is known from them. What
// a START has led to and denies, people have made of it.
func writtenHere(c *fhir.Consent) bool {
	return c.Status() == fhir.ConsentActive && wroteFirst(c, "") && !turned(c)
}

// turned reports whether people have made a Consent that denies of the one that a START has led to. Of a STOP that is none: it
// holds for a number, and not for the patient.
func turned(c *fhir.Consent) bool {
	return c.Choice() == fhir.ChoiceDeny && wroteFirst(c, consentOfStart+":")
}

// wroteFirst reports whether the bridge has written the first version of a Consent, because of words of that kind.
func wroteFirst(c *fhir.Consent, kind string) bool {
	return slices.ContainsFunc(c.Identifiers(), func(i fhir.Identifier) bool {
		return i.System == SystemDecision && strings.HasPrefix(i.Value, kind)
	})
}

// ConsentWord is what a patient's Consents say about messages: the newest of them. It is the word of people, as STOP and
// START are that of a number; the newer of both counts.
type ConsentWord struct {
	// Choice is ChoiceUnknown if they say nothing.
	Choice fhir.Choice
	At     time.Time
}

// NewestConsent reads the word of kept Consents. Of the same time the one that denies counts. What cannot be read, and
// what the bridge has written itself, says nothing.
func NewestConsent(kept []Versioned, now time.Time) (word ConsentWord) {
	var newest time.Time
	for _, k := range kept {
		decoded, err := fhir.Decode(k.Resource)
		c, ok := decoded.(*fhir.Consent)
		if err != nil || !ok || !c.ForMessaging() || writtenHere(c) {
			continue
		}
		choice := choiceOf(c, now)
		at := saidAt(c, choice)
		if choice == fhir.ChoiceUnknown || at.Before(newest) || at.Equal(newest) && choice == fhir.ChoicePermit && word.Choice != fhir.ChoiceUnknown {
			continue
		}
		newest, word = at, ConsentWord{Choice: choice, At: at}
		if last := c.Header().LastUpdated; (c.Status() != fhir.ConsentActive || turned(c)) && last.After(at) { // it was withdrawn since
			word.At = last
		}
	}
	return word
}

// choiceOf is what a Consent says now. One that permits and is not in force any more, or never was, has been withdrawn or
// refused; one that denies and is not, says nothing.
func choiceOf(c *fhir.Consent, now time.Time) fhir.Choice {
	choice := c.Choice()
	switch c.Status() {
	case fhir.ConsentActive:
		if c.Holds(now) && (choice != fhir.ChoicePermit || !c.DateTime().Time.After(now)) {
			return choice
		}
	case fhir.ConsentInactive, fhir.ConsentRejected:
		if choice != fhir.ChoiceDeny {
			return fhir.ChoiceDeny
		}
	}
	return fhir.ChoiceUnknown
}

// saidAt is when it was said. Of a day, a month or a year nobody knows the hour: then who denies has said so at its end. One
// that permits at no time lifts nothing: when it was saved last is not when it was said.
func saidAt(c *fhir.Consent, choice fhir.Choice) time.Time {
	at := c.DateTime()
	end := at.Time
	switch at.Precision {
	case fhir.Absent:
		if choice == fhir.ChoicePermit {
			return time.Time{}
		}
		return c.Header().LastUpdated
	case fhir.Year:
		end = end.AddDate(1, 0, 0)
	case fhir.Month:
		end = end.AddDate(0, 1, 0)
	case fhir.Day:
		end = end.AddDate(0, 0, 1)
	}
	if choice == fhir.ChoiceDeny {
		return end
	}
	return at.Time
}

// Denies reports whether the Consents are against messages, in spite of what a number has said last, at word.
func (w ConsentWord) Denies(word time.Time) bool {
	return w.Choice == fhir.ChoiceDeny && !w.At.Before(word)
}

// Lifts reports whether the Consents are for messages, in spite of a STOP at word.
func (w ConsentWord) Lifts(word time.Time) bool {
	return w.Choice == fhir.ChoicePermit && w.At.After(word)
}

// objects asks what Consents are kept of a notification's patient: whether they deny messages, and whether they lift a STOP.
func (d *Dispatch) objects(ctx context.Context, n DueNotification, word, now time.Time) (denied, lifted bool, err error) {
	if !n.Consents {
		return false, false, nil
	}
	kept, err := d.Ledger.Consents(ctx, n.Patient)
	if err != nil {
		return false, false, err
	}
	w := NewestConsent(kept, now)
	return w.Denies(word), w.Lifts(word), nil
}
