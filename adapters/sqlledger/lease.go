package sqlledger

import (
	"sync"
	"time"
)

// lease is a notification in somebody's hands.
type lease struct {
	subjectID int64
	// rev and version are of the subject as it was handed out.
	rev     int64
	version string
	// step is the notification's as it was handed out: what has come of a wish meanwhile may have given it another.
	step string
	// last is the row of the last attempt before; attempt that of the one that was begun.
	last, attempt int64
	until         time.Time
	// begun is set by Begin. From then on the row itself says that it is not to be handed out; the
	// lease is kept to find the row again.
	begun time.Time
}

// leases are the notifications that are in somebody's hands, by key.
type leases struct {
	// asking is held by Due from its reading to its leasing: nothing is handed out twice.
	asking *sync.Mutex
	mu     *sync.Mutex
	held   map[string]lease
}

func newLeases() leases {
	return leases{asking: &sync.Mutex{}, mu: &sync.Mutex{}, held: map[string]lease{}}
}

// free reports whether a notification that was read as planned may be handed out.
// asked is when the reading began: one that was begun since only seems planned.
func (l leases) free(key string, asked, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	held, ok := l.held[key]
	switch {
	case !ok:
		return true
	case !held.begun.IsZero():
		return held.begun.Before(asked)
	}
	return !held.until.After(now)
}

func (l leases) take(key string, taken lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[key] = taken
}

func (l leases) of(key string) (lease, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	held, ok := l.held[key]
	return held, ok
}

func (l leases) begin(key string, attempt int64, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := l.held[key]
	held.begun, held.attempt = now, attempt
	l.held[key] = held
}

// give gives back a lease that was held, unless it has been taken anew: what is settled may be handed out once that is committed.
func (l leases) give(key string, held lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[key] == held {
		delete(l.held, key)
	}
}

// end ends a lease, whoever holds it.
func (l leases) end(keys ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range keys {
		delete(l.held, key)
	}
}

// writeLease is a write in somebody's hands, and the queue it stands in.
type writeLease struct {
	id, queue int64
	// follows is set for a write that a newer one may replace, and then be owed again; rev tells whether one has.
	follows bool
	rev     int64
	sink    string
	until   time.Time
}

// writeLeases are the writes that are in somebody's hands, by key.
type writeLeases struct {
	asking *sync.Mutex
	mu     *sync.Mutex
	held   map[string]writeLease
	ids    map[int64]time.Time
}

func newWriteLeases() writeLeases {
	return writeLeases{asking: &sync.Mutex{}, mu: &sync.Mutex{}, held: map[string]writeLease{}, ids: map[int64]time.Time{}}
}

func (l writeLeases) free(id int64, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	until, ok := l.ids[id]
	return !ok || !until.After(now)
}

func (l writeLeases) take(key string, w writeLease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if before, held := l.held[key]; held { // whose try may end yet: it must not settle what has taken its place since
		w.rev = before.rev
	}
	l.held[key], l.ids[w.id] = w, w.until
}

func (l writeLeases) of(key string) (writeLease, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w, ok := l.held[key]
	return w, ok
}

func (l writeLeases) end(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ids, l.held[key].id)
	delete(l.held, key)
}
