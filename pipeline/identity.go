package pipeline

import "time"

// Try is a patient's answer to who they are. A document waits for one that is right.
type Try struct {
	// Subject and Patient say for what, and whose.
	Subject, Patient string
	// Passed reports whether it was right.
	Passed bool
}

// Guess is what somebody of whom only Reply.UserID is known says of themselves. If it is right, they are who has the number.
type Guess struct {
	Number Private
	Passed bool
}

// Tries are the answers of a patient to who they are.
type Tries struct {
	// Subject counts the wrong ones about one subject, ever; Lately those about any in the last 24 hours.
	Subject, Lately int
	// Passed is when the last right one about the subject came; zero if none did.
	Passed time.Time
}
