package pipeline

// Said is a notification that has gone out, or may have.
type Said struct {
	Journey, Step string
	// Recipient is who got it, Occasion what made it new.
	Recipient, Occasion string
}
