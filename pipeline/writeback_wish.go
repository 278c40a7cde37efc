package pipeline

import (
	"context"
	"time"
)

// grantTimeout is how long one try of a wish may take: the lane waits for it, and a search may read many pages.
const grantTimeout = 15 * time.Second

// grant brings a wish to the server. What it decides counts only if the patient is told of it: else it is news when the EHR
// says so.
func (b *WriteBack) grant(ctx context.Context, w Wish) (done WriteResult, more []Write, err error) {
	ctx, cancel := context.WithTimeout(ctx, grantTimeout)
	defer cancel()
	carried, err := b.Ladder.Grant(ctx, w, b.Now())
	if done.Say = due(carried.Say, b.Now()); len(done.Say) > 0 {
		done.Answer = carried.Answer
	}
	return done, carried.Writes, err
}
