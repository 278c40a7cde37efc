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
	// Grace is how long an attempt of unknown outcome waits for a status.
	Grace time.Duration
}

const (
	settlePoll = time.Second
	// refreshAhead and refreshAge: whoever gets a message within a quarter of an hour is read again
	// if the last reading is older than an hour.
	refreshAhead = 15 * time.Minute
	refreshAge   = time.Hour
	refreshBatch = 32
)

// Recover settles what an earlier process has left open: each of its attempts is
// of unknown outcome. Call it before the first attempt of this process.
func (s *Settler) Recover(ctx context.Context) error {
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
	planned, held, err := s.Ledger.Lapse(ctx, now.Add(-s.Grace), now)
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
	refs, err := s.Ledger.Stale(ctx, now.Add(refreshAhead), now.Add(-refreshAge), refreshBatch)
	if err != nil {
		s.Log.Error("patients to refresh not read", "error", err)
		return
	}
	for _, ref := range refs {
		current, err := s.Server.Read(ctx, ref)
		if err != nil {
			return // the kept version serves; the next round asks again
		}
		if err := s.Ledger.Fetched(ctx, current, now); err != nil {
			s.Log.Error("refreshed patient not kept", "ref", ref, "error", err)
			return
		}
		s.Resolver.Forget(ref)
	}
}
