package pipeline

import "time"

// Receipt is what a provider says became of a message.
type Receipt struct {
	// Attempt is the id we gave the message, if the provider returned it.
	Attempt string
	// MessageID is the provider's id ("wamid.…").
	MessageID string
	// State is Accepted, Sent, Delivered, Read or Failed.
	State State
	// Code is the provider's code of a failure.
	Code string
	// At is the provider's time of it.
	At time.Time
	// Address is the number as the provider writes it, when it said so.
	Address Private
	// UserID is the provider's own id of the person (business-scoped user id), "" if none.
	UserID string
}
