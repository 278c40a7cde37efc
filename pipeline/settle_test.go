package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

// settling is the part of a ledger that the settler sees; all of it in seconds
// since the test began.
type settling struct {
	ledger
	mu        sync.Mutex
	begun     time.Time
	abandoned []string
	lapsed    []string
	asked     []string // of the FHIR server
	kept      []string
}

func newSettling() *settling {
	k := &settling{begun: time.Now()}
	at := func(t time.Time) string { return fmt.Sprint(t.Sub(k.begun).Seconds()) }
	k.abandon = func(before, now time.Time) (int, error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.abandoned = append(k.abandoned, at(before)+" "+at(now))
		return 1, nil
	}
	k.lapse = func(before, now time.Time) (int, int, error) {
		k.lapsed = append(k.lapsed, at(before)+" "+at(now))
		return 1, 1, nil
	}
	k.stale = func(time.Time, time.Time, int) ([]string, error) { return nil, nil }
	k.fetched = func(v pipeline.Versioned, _ time.Time) error {
		k.kept = append(k.kept, v.Version)
		return nil
	}
	return k
}

func (k *settling) settler(t *testing.T) (*pipeline.Settler, func() string) {
	t.Helper()
	log, text := newLog(t)
	return &pipeline.Settler{
		Ledger: k, Resolver: pipeline.NewResolver(k), Log: log, Now: time.Now, Grace: 10 * time.Second, HandledUntil: time.Now,
	}, text.String
}

func TestSettlerRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newSettling()
		s, log := k.settler(t)
		if err := s.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		same(t, "abandoned: all that was begun before", k.abandoned, []string{"0 0"})
		same(t, "told of", strings.Contains(log(), `"count":1`), true)
		k.abandon = func(time.Time, time.Time) (int, error) { return 0, transient("disk_full") }
		if err := s.Recover(t.Context()); err == nil {
			t.Error("a ledger that does not answer is no error")
		}
	})
}

// TestSettlerWaitsForStatuses shows that nothing of unknown outcome is sent again
// before a status could have come and been handled.
func TestSettlerWaitsForStatuses(t *testing.T) {
	cases := []struct {
		name    string
		handled func(begun time.Time) time.Time
		want    string // the first call of Lapse in a minute: unknown since, now
	}{
		{"all is handled at once", func(time.Time) time.Time { return time.Now() }, "0 10"},
		{"statuses are handled 20 s late", func(time.Time) time.Time { return time.Now().Add(-20 * time.Second) }, "0 30"},
		{"nothing has been handled since the start", func(begun time.Time) time.Time { return begun }, ""},
		{"it is not known what has been handled", func(time.Time) time.Time { return time.Time{} }, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newSettling()
				s, _ := k.settler(t)
				s.HandledUntil = func() time.Time { return c.handled(k.begun) }
				_ = s.Recover(t.Context())
				stop := start(s.Run)
				pass(time.Minute)
				stop()
				got := ""
				if len(k.lapsed) > 0 {
					got = k.lapsed[0]
				}
				same(t, "lapsed", got, c.want)
				same(t, "abandoned: what was posted half a minute ago", k.abandoned[1], "-29 1")
			})
		})
	}
}

func TestSettlerSurvivesItsLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newSettling()
		s, log := k.settler(t)
		_ = s.Recover(t.Context())
		abandon, lapse := k.abandon, k.lapse
		k.abandon = func(before, now time.Time) (int, error) {
			if now.Sub(k.begun) < 15*time.Second {
				return 0, transient("disk_full")
			}
			return abandon(before, now)
		}
		k.lapse = func(before, now time.Time) (int, int, error) {
			if now.Sub(k.begun) < 20*time.Second {
				return 0, 0, transient("disk_full")
			}
			return lapse(before, now)
		}
		stop := start(s.Run)
		pass(time.Minute)
		stop()
		same(t, "lapsed", k.lapsed[0], "10 20")
		same(t, "told of", strings.Count(log(), "disk_full"), 14+5)
	})
}

func TestSettlerRefreshesPatients(t *testing.T) {
	cases := []struct {
		name string
		fail map[string]error // of the FHIR server
		want string           // asked in the first ten minutes
		kept int
	}{
		{"all are there", nil, "Patient/p1 Patient/p2 Patient/p3", 3},
		{"one is gone: the others do not wait, and it is not asked every second", map[string]error{"Patient/p1": refused("410")}, "Patient/p1 Patient/p2 Patient/p3", 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newSettling()
				s, _ := k.refreshing(t, func(ref string) error { return c.fail[ref] })
				stop := start(s.Run)
				pass(10 * time.Minute)
				stop()
				same(t, "asked", strings.Join(k.asked, " "), c.want)
				same(t, "kept", len(k.kept), c.kept)
			})
		})
	}
}

func TestSettlerRefreshInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newSettling()
		s, log := k.refreshing(t, func(string) error {
			if time.Since(k.begun) < 10*time.Minute {
				return transient("unreachable")
			}
			return nil
		})
		stop := start(s.Run)
		pass(9 * time.Minute)
		k.mu.Lock()
		asked, settled := len(k.asked), len(k.abandoned)
		k.mu.Unlock()
		if n := asked; n < 2 || n > 12 {
			t.Errorf("asked %d times in an outage of nine minutes, want some", n)
		}
		same(t, "told of", strings.Contains(log(), "unreachable"), true)
		same(t, "settles meanwhile", settled > 500, true)
		pass(10 * time.Minute)
		stop()
		same(t, "kept", len(k.kept), 3)
	})
}

// refreshing returns a settler with a server that has three patients, and fails as told.
func (k *settling) refreshing(t *testing.T, fail func(ref string) error) (*pipeline.Settler, func() string) {
	t.Helper()
	fresh := map[string]bool{}
	k.stale = func(due, fetched time.Time, limit int) (refs []string, _ error) {
		if due.Sub(fetched) != 75*time.Minute || limit < 3 {
			t.Errorf("asked for what is due in %v and was fetched before %v, up to %d", time.Until(due), time.Since(fetched), limit)
		}
		for _, ref := range []string{"Patient/p1", "Patient/p2", "Patient/p3"} {
			if !fresh[ref] {
				refs = append(refs, ref)
			}
		}
		return refs, nil
	}
	s, log := k.settler(t)
	s.Server = &server{read: func(ref string) (pipeline.Versioned, error) {
		k.mu.Lock()
		k.asked = append(k.asked, ref)
		k.mu.Unlock()
		if err := fail(ref); err != nil {
			return pipeline.Versioned{}, err
		}
		fresh[ref] = true
		return pipeline.Versioned{Resource: patientJSON(strings.TrimPrefix(ref, "Patient/"), number), Version: "2"}, nil
	}}
	return s, log
}

// TestSettlerForgetsWhatItHasRefreshed shows that the next message goes to the number that was just read.
func TestSettlerForgetsWhatItHasRefreshed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newSettling()
		s, _ := k.refreshing(t, func(string) error { return nil })
		directory := map[string]json.RawMessage{"Patient/p1": patientJSON("p1", newNumber)}
		k.resource = func(ref string) (pipeline.Versioned, bool, error) {
			return pipeline.Versioned{Resource: directory[ref]}, true, nil
		}
		ask := func() string {
			r, err := s.Resolver.Resource(context.Background(), "Patient/p1")
			if err != nil {
				t.Fatal(err)
			}
			return string(r.Raw())
		}
		before := ask()
		directory["Patient/p1"] = patientJSON("p1", number)
		stop := start(s.Run)
		pass(1500 * time.Millisecond)
		stop()
		same(t, "the newest is found", ask() != before, true)
	})
}
