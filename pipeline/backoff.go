package pipeline

import (
	"math/rand/v2"
	"time"
)

const (
	backoffFirst = time.Second
	backoffMax   = 5 * time.Minute
)

// backoff returns how long to wait after so many tries: doubling from a second
// to five minutes, each between half and the whole of it so that nothing comes in step.
func backoff(tries int) time.Duration {
	d := backoffMax
	if tries < 10 {
		d = min(backoffFirst<<max(0, tries), backoffMax)
	}
	return d/2 + rand.N(d/2)
}
