package fhirserver

import (
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"fhirbridge/pipeline"
)

const (
	// keepFound and keepMissing are how long a lookup's result is kept.
	keepFound, keepMissing = 5 * time.Minute, 30 * time.Second
	// maxCache is the size of all kept resources.
	maxCache = 32 << 20
	// overhead is what an entry takes beside its resource, roughly.
	overhead = 256
)

// finding is what a lookup came to.
type finding struct {
	resource pipeline.Versioned
	// missing is set if there is no such resource.
	missing *pipeline.Error
}

func (f finding) result() (pipeline.Versioned, error) {
	if f.missing != nil {
		err := *f.missing // callers share the finding, not the error
		return pipeline.Versioned{}, &err
	}
	return f.resource, nil
}

// cache keeps findings by "Type/id".
type cache struct {
	kept   *otter.Cache[string, finding]
	asking singleflight.Group
}

func newCache(now func() time.Time) (*cache, error) {
	kept, err := otter.New(&otter.Options[string, finding]{
		MaximumWeight: maxCache,
		Weigher:       func(name string, f finding) uint32 { return uint32(len(name) + len(f.resource.Resource) + overhead) }, //nolint:gosec // an answer has 16 MB at most
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[string, finding]) time.Duration {
			if e.Value.missing != nil {
				return keepMissing
			}
			return keepFound
		}),
		Clock: clock(now),
	})
	if err != nil {
		return nil, err
	}
	return &cache{kept: kept}, nil
}

func (c *cache) found(name string) (finding, bool) { return c.kept.GetIfPresent(name) }

func (c *cache) keep(name string, f finding) { c.kept.Set(name, f) }

// clock lets the cache follow the client's clock. It does not tick, so that the
// cache has no goroutine: what has expired goes when room is needed.
type clock func() time.Time

// NowNano implements otter.Clock.
func (c clock) NowNano() int64 { return c().UnixNano() }

// Tick implements otter.Clock.
func (clock) Tick(time.Duration) <-chan time.Time { return nil }
