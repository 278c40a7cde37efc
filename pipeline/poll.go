package pipeline

import (
	"context"
	"log/slog"
	"time"
)

const (
	// pollEvery is the pause between two rounds, pollBatch how many messages are asked about in one.
	pollEvery = 30 * time.Second
	pollBatch = 100
	// pollFirst is how long a message is silent before it is asked about; then the wait doubles, up to pollMost.
	pollFirst = 5 * time.Minute
	pollMost  = 6 * time.Hour
	// pollAge is the age from which nobody asks any more.
	pollAge = 48 * time.Hour
)

// Poll asks a provider what became of messages that it has taken and then said nothing of, as of what it wanted to say while
// nobody listened. It is for providers that do not go on trying. An attempt of unknown outcome has no id to ask by: for that the
// grace period counts.
type Poll struct {
	Ledger  Ledger
	Source  StatusSource
	Channel string
	// Receive takes what it hears in: Inbound.Receive.
	Receive func(context.Context, Receipt) error
	Log     *slog.Logger
	Now     func() time.Time

	// next is when each silent message is asked about again, and how long it waited before.
	next map[string]asking
	// from is the begin of the last message of the round before: a round goes on from there.
	from time.Time
}

type asking struct {
	at   time.Time
	wait time.Duration
}

// Run works until ctx ends.
func (p *Poll) Run(ctx context.Context) error {
	for sleep(ctx, pollEvery) == nil {
		p.round(ctx)
	}
	return nil
}

// round asks about some of the silent messages. After a failure of the provider's the rest waits for the next one.
func (p *Poll) round(ctx context.Context) {
	now := p.Now()
	if oldest := now.Add(-pollAge); p.from.Before(oldest) {
		p.from = oldest
	}
	list, err := p.Ledger.Silent(ctx, p.Channel, p.from, now.Add(-pollFirst), pollBatch)
	if err != nil {
		p.Log.Error("silent messages not read", "error", err)
		return
	}
	for _, a := range list {
		if ctx.Err() != nil {
			return
		}
		if p.next[a.ID].at.After(now) {
			continue
		}
		err := p.ask(ctx, a)
		p.later(a, now) // also after a failure: one that fails each time is not to keep the others from their turn
		if err != nil {
			p.Log.Warn("no word of silent messages", "channel", p.Channel, "error", err)
			return
		}
	}
	p.from = time.Time{}
	if len(list) == pollBatch {
		p.from = list[len(list)-1].Begun
	}
}

// ask takes in what the provider knows of one message. That it does not know it is no failure.
func (p *Poll) ask(ctx context.Context, a Attempt) error {
	said, err := p.Source.Statuses(ctx, a.MessageID)
	if _, final := refusal(err); err != nil && !final {
		return err
	}
	for _, r := range said {
		r.Attempt = a.ID
		if err := p.Receive(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// later makes the next wait longer. What is too old to be asked about is forgotten.
func (p *Poll) later(a Attempt, now time.Time) {
	if p.next == nil {
		p.next = map[string]asking{}
	}
	for id, n := range p.next {
		if len(p.next) > 10*pollBatch && n.at.Before(now) {
			delete(p.next, id)
		}
	}
	wait := min(max(2*p.next[a.ID].wait, pollFirst), pollMost)
	p.next[a.ID] = asking{now.Add(wait), wait}
}
