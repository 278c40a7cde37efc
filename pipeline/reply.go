package pipeline

import "time"

// Reply is what a patient wrote, tapped or sent.
type Reply struct {
	// Channel is the configured name of the channel it came in by.
	Channel string
	// ID is the provider's message id: the idempotency key of everything that comes of it. It has
	// the person's number in it: it is not to be printed, nor is Quotes.
	ID string
	// From is the sender's number in E.164 with "+", as the provider writes it; empty when it gave only UserID.
	From Private
	// UserID is the provider's own id of the person, "" if none.
	UserID string
	// Kind is what it is: text, button, list, image, document, audio, video, sticker,
	// location, contacts, reaction, system, unsupported, or what else the provider names.
	Kind string
	// Text is the words: the text, the title of the button, the caption.
	Text Private
	// Payload is the token of a tapped button or row.
	Payload string
	// Quotes is the id of our message that it answers, "" if it names none.
	Quotes string
	// Media is what was sent along, still at the provider.
	Media *InboundMedia
	// Doubt is the provider's word about From, and not the person's; nil for a message of the person's.
	Doubt *Doubt
	// Identity is the provider's key of the person behind From, empty if it told none. Another one than before is
	// another phone, or another person.
	Identity Private
	// At is the provider's time of it; Received is when the webhook took it.
	At, Received time.Time
}

// InboundMedia names a file that a patient sent.
type InboundMedia struct {
	ID, ContentType, SHA256 string
	Filename                Private
}

// Updates is one webhook request, understood.
type Updates struct {
	Receipts []Receipt
	Replies  []Reply
	// Templates are words on templates.
	Templates []TemplateUpdate
	// Others names the updates that carry neither receipt nor reply, by their field or type, for a counter.
	Others []string
}

// Answer is the patient's last decision on a subject.
type Answer struct {
	// Subject and Patient say on what and whose.
	Subject, Patient string
	// Action is a name from the journey's answers: "confirm", "cancel".
	Action string
	// Occasion is the start of the appointment it was given for (RFC 3339, UTC).
	Occasion string
	// Was are the participant statuses, separated by spaces, that the EHR may show while it has not taken the
	// answer in: the one at the moment of it, and what an answer before it makes. Any other is a person's doing since.
	Was string
	At  time.Time
}
