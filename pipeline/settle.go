package pipeline

import (
	"context"
	"log/slog"
	"time"
)

// Settler settles what a crash, a timeout or silence has left open, and keeps
// fresh what was fetched and is about to be used.
type Settler struct {
	Ledger   Ledger
	Resolver *Resolver
	// Server may be nil.
	Server FHIRServer
	Log    *slog.Logger
	Now    func() time.Time
	// Grace is how long an attempt of unknown outcome waits for a status, while statuses can come.
	Grace time.Duration
	// HandledUntil returns a time such that every update which was on the inbound topic by then
	// has been handled; zero if none is known. A status that waits there must not be overtaken
	// by a resend.
	HandledUntil func() time.Time

	// File returns the writes that tell who has asked for a message that nobody knows what became of it.
	File func(SentMessage) []Write

	// up is since when this process can take webhooks.
	up time.Time
	// outage is since the FHIR server did not answer.
	outage pause
	// refused are the patients whom it does not give, and when it was asked.
	refused map[string]time.Time
}

const (
	settlePoll = time.Second
	// refreshAhead and refreshAge: whoever gets a message within a quarter of an hour is read again
	// if the last reading is older than an hour.
	refreshAhead = 15 * time.Minute
	refreshAge   = time.Hour
	refreshBatch = 32
	// refusedMax bounds how many refusals are remembered.
	refusedMax = 1000
)

// Recover settles what an earlier process has left open: each of its attempts is
// of unknown outcome. Call it before the first attempt of this process.
func (s *Settler) Recover(ctx context.Context) error {
	s.up = s.Now()
	abandoned, err := s.Ledger.Abandon(ctx, s.Now(), s.Now())
	if abandoned > 0 {
		s.Log.Warn("attempts of the last run wait for their status", "count", abandoned)
	}
	return err
}

// Run works until ctx ends.
func (s *Settler) Run(ctx context.Context) error {
	for sleep(ctx, settlePoll) == nil {
		s.settle(ctx, s.Now().Add(-2*sendTimeout))
		s.refresh(ctx)
	}
	return nil
}

func (s *Settler) settle(ctx context.Context, before time.Time) {
	now := s.Now()
	abandoned, err := s.Ledger.Abandon(ctx, before, now)
	if err != nil {
		s.Log.Error("open attempts not settled", "error", err)
		return
	}
	if abandoned > 0 {
		s.Log.Warn("attempts of unknown outcome wait for their status", "count", abandoned)
	}
	handled := s.HandledUntil()
	if handled.Sub(s.up) < s.Grace {
		return // what the provider could not post while we were down is still on its way
	}
	planned, held, err := s.Ledger.Lapse(ctx, handled.Add(-s.Grace), now, s.File)
	if err != nil {
		s.Log.Error("unknown attempts not settled", "error", err)
		return
	}
	if planned > 0 || held > 0 {
		s.Log.Warn("no status within the grace period", "sent_again", planned, "held_for_a_person", held)
	}
}

func (s *Settler) refresh(ctx context.Context) {
	if s.Server == nil {
		return
	}
	now := s.Now()
	if s.outage.left(now) > 0 {
		return
	}
	refs, err := s.Ledger.Stale(ctx, now.Add(refreshAhead), now.Add(-refreshAge), refreshBatch)
	if err != nil {
		s.Log.Error("patients to refresh not read", "error", err)
		return
	}
	for _, ref := range refs {
		if now.Sub(s.refused[ref]) < refreshAge {
			continue
		}
		current, err := s.Server.Read(ctx, ref)
		if err == nil {
			err = s.Ledger.Fetched(ctx, current, now)
		}
		if _, final := refusal(err); final {
			s.Log.Warn("patient not refreshed; the kept version serves", "ref", ref, "error", err)
			s.note(ref, now)
			continue // the others are not to wait for one that is gone
		}
		if err != nil {
			s.outage.begin(now)
			s.Log.Warn("patients not refreshed; the kept versions serve", "error", err)
			return
		}
		s.outage.clear()
		s.Resolver.Forget(ref)
	}
}

// note remembers that the server does not give ref, so that it is not asked every second.
func (s *Settler) note(ref string, now time.Time) {
	if s.refused == nil || len(s.refused) >= refusedMax {
		s.refused = map[string]time.Time{}
	}
	s.refused[ref] = now
}
