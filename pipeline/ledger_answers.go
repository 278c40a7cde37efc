package pipeline

import "time"

// Decide is called by Ledger.Apply with the kept version (nil Resource if there is none).
type Decide func(kept Versioned, known Known) (Plan, error)

// KeptResource is the newest version of a resource that the ledger keeps.
type KeptResource struct {
	Versioned
	Ref string
}

// Sender is what a number is known for.
type Sender struct {
	// Stopped reports whether it is on the STOP list.
	Stopped bool
	// Word is when it last said STOP or START, zero if never.
	Word time.Time
	// Heard is when it last wrote, zero if never; the provider's 24-hour window counts from there.
	Heard time.Time
	// Language is what it has chosen to be written to in, "" if it never did.
	Language string
	// Disowns is set if there are patients whose number it is not: see Ledger.Disowned.
	Disowns bool
	// Unverified is since when it may be somebody else's: the provider's time of the last Doubt, of another Identity than
	// before, or of a message that failed for that (Receipt.Doubtful, Settlement.Doubtful). Zero if never, or if who
	// has it has shown since who they are (Try.Passed).
	Unverified time.Time
	// Identity is the provider's key of who has it, as it was last told; empty if it is not known, or in doubt since a
	// message failed.
	Identity Private
	// Absent is when the provider last said that it is not on WhatsApp (Receipt.Absent, Settlement.Reason
	// ReasonNotReachable); zero if never, or if it has written since.
	Absent time.Time
}

// Applied says what Apply did.
type Applied struct {
	// Fresh is Newer if the event was taken.
	Fresh Freshness
	// Planned, Cancelled and Kept count notifications.
	Planned, Cancelled, Kept int
	// DueNow reports whether something planned is due at once.
	DueNow bool
	// Visits are the Encounters that go back to the appointment (Plan.Bookings) and were planned from an older version of it.
	Visits []string
}

// ParkedEvent is an event that waits for something.
type ParkedEvent struct {
	Event  Event
	Reason Reason
	Tries  int
	Since  time.Time
}

// DueNotification is a leased notification with what its words are made from.
type DueNotification struct {
	Notification
	// Subject is the newest kept version; its Resource is nil if Notification.Subject is "".
	Subject Versioned
	// Known has no Open, and of Answers and Told nothing but what is the notification's own patient's.
	Known Known
	// Gone reports whether an attempt at it went out, or may have.
	Gone bool
	// Consents reports whether Consents of its patient are kept; else there are none to ask for.
	Consents bool
}
