package sqlledger

import (
	"testing"
	"time"
)

// TestGiveOneLeaseOnly: what is settled may be leased anew before whoever settled it has given its lease back.
func TestGiveOneLeaseOnly(t *testing.T) {
	l, now := newLeases(), time.Now()
	l.take("k", lease{subjectID: 1, until: now.Add(time.Minute)})
	l.begin("k", 7, now)
	first, _ := l.of("k")
	second := lease{subjectID: 1, until: now.Add(2 * time.Minute)}
	l.take("k", second)
	if l.give("k", first); l.free("k", now, now) {
		t.Error("the first lease took the second with it")
	}
	if l.give("k", second); !l.free("k", now, now) {
		t.Error("given back, and not free")
	}
}
