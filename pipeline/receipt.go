package pipeline

import (
	"strings"
	"time"
)

// Receipt is what a provider says became of a message.
type Receipt struct {
	// Attempt is the id we gave the message, if the provider returned it.
	Attempt string
	// MessageID is the provider's id ("wamid.…"). It has the person's number in it: it is not to be printed.
	MessageID string
	// State is Accepted, Sent, Delivered, Read or Failed.
	State State
	// Code is the provider's code of a failure.
	Code string
	// Again is set for a failure that may pass, and by which nothing went out: how long to wait before the message may be
	// tried again. It is for providers that take a message before they know.
	Again time.Duration
	// Elsewhere is set by who takes receipts in where there is another channel for numbers that are not on WhatsApp: what
	// failed because of that is planned again.
	Elsewhere bool
	// At is the provider's time of it.
	At time.Time
	// Address is the number as the provider writes it, when it said so.
	Address Private
	// Identity is the provider's key of the person, as in Reply.
	Identity Private
	// UserID is the provider's own id of the person (business-scoped user id), "" if none.
	UserID string
}

// WrittenAs returns the number as the provider writes it, in E.164 with "+", if that is another than
// the one that was dialled; else it is empty. In parts of Brazil and Mexico WhatsApp leaves out or
// puts in a digit, and calls the person by that number ever after.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/phone-numbers
func (r Receipt) WrittenAs(dialled Private) Private {
	digits := strings.TrimPrefix(r.Address.Reveal(), "+")
	if len(digits) < 7 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
		return Private{}
	}
	if written := NewPrivate("+" + digits); !written.Equal(dialled) {
		return written
	}
	return Private{}
}

// Meta's codes of what was put into a template: a value is missing, or is not such as is needed there. Those of the template
// itself begin with 132.
// https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
const (
	codeNoValue    = "131008"
	codeWrongValue = "131009"
	codesTemplate  = "132"
)

// Unfit reports whether a message failed because of its template or of what was put into that: in other words it may pass.
func (r Receipt) Unfit() bool { return r.State == Failed && unfit(r.Code) }

func unfit(code string) bool {
	about := len(code) == len(codeNoValue) && strings.HasPrefix(code, codesTemplate)
	return about || code == codeNoValue || code == codeWrongValue
}

// MaxAgain is how many attempts are made at what fails again and again after the provider has taken it.
const MaxAgain = 4
