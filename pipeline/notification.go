package pipeline

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"
)

// State is where a notification stands. It moves forward only:
//
//	planned ─▶ sending ─▶ accepted ─▶ sent ─▶ delivered ─▶ read
//	   │          ├─▶ unknown ─▶ accepted … | planned | held
//	   │          └─▶ failed
//	   └─▶ cancelled | skipped | expired
//
// A planned notification whose Due has passed is what the design calls "due".
type State string

// The states of a notification.
const (
	Planned      State = "planned"
	Sending      State = "sending"   // an attempt is durable, its outcome is not known yet
	StateUnknown State = "unknown"   // the attempt ended without an answer; a status or the grace period settles it
	Accepted     State = "accepted"  // the provider took it
	Sent         State = "sent"      // it left the provider
	Delivered    State = "delivered" // it is on the device
	Read         State = "read"      // it was shown
	Failed       State = "failed"    // the provider refused it, or could not deliver it
	Cancelled    State = "cancelled" // no longer wanted: moved, cancelled, answered
	Skipped      State = "skipped"   // a gate said no
	Expired      State = "expired"   // too late to be useful
	Held         State = "held"      // unknown after the grace period, and the step's policy wants a person to decide
)

var rank = map[State]int{
	Planned: 0, Sending: 1, StateUnknown: 2, Accepted: 3, Sent: 4, Delivered: 5, Read: 6,
}

// Advances reports whether a receipt with state next moves a notification on
// that stands at s. Receipts come in any order and more than once; only upward
// moves count, and "failed" counts only below "delivered".
func (s State) Advances(next State) bool {
	from, open := rank[s]
	if s == Held {
		from, open = rank[StateUnknown], true
	}
	if !open {
		return false
	}
	if next == Failed {
		return from > rank[Planned] && from < rank[Delivered]
	}
	to, ok := rank[next]
	return ok && to > from
}

// Notification is one thing that a journey wants one patient to know. It has
// no words yet: they are made from the newest facts at the moment of sending.
type Notification struct {
	// Key is derived by NotificationKey; the same event gives the same key for ever.
	Key string
	// Journey and Step name the rule that wants it.
	Journey, Step string
	// Subject is the resource it is about ("Appointment/1"), Patient whom it concerns,
	// Recipient who gets it: the patient, or a RelatedPerson.
	Subject, Patient, Recipient string
	// Occasion is what makes this occasion new: a version, or a start time.
	Occasion string
	// Due is the earliest instant of sending; Expires the instant from which it is
	// useless. Nothing is sent at or after Expires. It must be set: what the journeys want
	// without it is refused, Malformed with reason no_expiry.
	Due, Expires time.Time
	// Priority orders what is due: lower first. Replies before news before reminders.
	Priority int
	// ReplyTo is the id of the patient's message that this one answers; then Subject may be "".
	ReplyTo string
	// Thread is what the conversation is about that an answer about nothing is part of.
	Thread string
	// Address is the number to send to when it is not the recipient's own choice: that of
	// the sender whom this one answers. Empty otherwise.
	Address Private
	// Facts is what the journey wants to remember until sending, in a form of its own;
	// it is stored encrypted.
	Facts Private
	// Offers are the free times of which it speaks; they are stored encrypted.
	Offers []Slot
	// Resend says what becomes of an attempt of unknown outcome after the grace period:
	// true plans it again, false holds it for a person.
	Resend bool
	// Edge marks a notification that came of a change (booked, moved) rather than of the clock.
	Edge bool
	// Farewell marks what goes out in spite of what the number has said: the answer to a STOP, or to a wrong
	// number, which is the last message, and that to words of an emergency.
	Farewell bool
	// Aside marks a message whose buttons are about the conversation itself: a word that quotes nothing does not answer it.
	Aside bool
	// Sole marks an answer that is all that comes of the patient's message: a question, or what they have asked for. If it is
	// not said, people are told.
	Sole bool
	// CoveredBy is the key of another notification about the subject, which says this too: it is not sent if that one
	// was. "" for none.
	CoveredBy string
	// Digest marks what one message may say together with others of its step to the same patient.
	Digest bool
	// Alone is the ledger's, too: a message that said it with others has certainly not come to the patient, so that it is
	// said by itself.
	Alone bool
	// Shut is the ledger's, too: the provider has refused free words of it because the patient's window is
	// closed. From then on only a template can say it, whatever is known of the window.
	Shut bool

	// State and Reason are the ledger's.
	State  State
	Reason string
	// Tries counts the attempts that were begun.
	Tries int
}

// expiring refuses notifications that would never expire.
func expiring(op string, list []Notification) error {
	for _, n := range list {
		if n.Expires.IsZero() {
			return &Error{Op: op, Kind: Malformed, Reason: "no_expiry"}
		}
	}
	return nil
}

// Priorities of what is due.
const (
	PriorityReply    = 0
	PriorityNews     = 10
	PriorityReminder = 20
	PriorityBulk     = 30
)

var keyEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NotificationKey derives the key of a notification: 26 characters [a-z2-7]
// (128 bits) of a SHA-256 over its parts. It says nothing about the patient
// to whoever does not know the parts.
func NotificationKey(journey, step, subject, occasion, recipient string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{journey, step, subject, occasion, recipient}, "\x1f")))
	return keyEncoding.EncodeToString(sum[:16])
}
