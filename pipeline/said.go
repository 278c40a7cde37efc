package pipeline

// Said is a notification that has gone out, or may have.
type Said struct {
	Journey, Step string
	// Patient is whom it concerns, whoever got it in their stead; Occasion is what made it new.
	Patient, Occasion string
}
