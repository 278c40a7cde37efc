package sqlledger

import (
	"context"
	"time"

	"fhirbridge/pipeline"
)

// Census implements pipeline.Ledger. It reads counts that every transaction keeps up to date.
func (l *Ledger) Census(ctx context.Context) (pipeline.Census, error) {
	census := pipeline.Census{Notifications: map[pipeline.State]map[pipeline.Reason]int{}, Writes: map[pipeline.Sink]int{}}
	err := l.view(ctx, func(c *conn) error {
		err := c.query(func(r row) error {
			tally(&census, r.text(0), r.text(1), r.text(2), int(r.number(3)))
			return nil
		}, "SELECT kind, name, reason, n FROM tally WHERE n <> 0")
		if err != nil {
			return err
		}
		return l.ages(c, &census)
	})
	return census, err
}

func tally(census *pipeline.Census, kind, name, reason string, n int) {
	switch kind {
	case tallyNotification:
		state := pipeline.State(name)
		if census.Notifications[state] == nil {
			census.Notifications[state] = map[pipeline.Reason]int{}
		}
		census.Notifications[state][pipeline.Reason(reason)] = n
	case tallyWrite:
		census.Writes[pipeline.Sink(name)] = n
	case tallyGivenUp:
		census.GivenUp = n
	case tallyParked:
		census.Parked = n
	}
}

// ages measures how long the oldest has waited. Each is one look-up in an index.
func (l *Ledger) ages(c *conn, census *pipeline.Census) error {
	now := l.now()
	err := priorities(c, func(_, first int64) error {
		census.OldestDue = max(census.OldestDue, now.Sub(fromMicros(first)))
		return nil
	})
	if err != nil {
		return err
	}
	r, ok, err := c.one("SELECT created_at FROM owed WHERE state = 0 ORDER BY id LIMIT 1")
	if ok {
		census.OldestWrite = max(time.Duration(0), now.Sub(r.at(0)))
	}
	return err
}
