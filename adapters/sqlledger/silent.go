package sqlledger

import (
	"context"
	"time"

	"fhirbridge/pipeline"
)

// silentDepth is how many of the newest attempts are looked through for silent ones.
const silentDepth = 100_000

// Silent implements pipeline.Ledger.
func (l *Ledger) Silent(ctx context.Context, channel string, after, before time.Time, limit int) (list []pipeline.Attempt, err error) {
	err = l.view(ctx, func(c *conn) error {
		return c.query(func(r row) error {
			a, err := l.attemptOf(r)
			list = append(list, a.Attempt)
			return err
		}, "SELECT "+attemptColumns+` FROM attempt a WHERE a.id > (SELECT COALESCE(MAX(id), 0) FROM attempt) - ? AND a.state IN (?, ?) AND a.channel = ?
			AND a.message IS NOT NULL AND a.begun_at > ? AND a.begun_at < ? ORDER BY a.id LIMIT ?`,
			int64(silentDepth), int64(accepted), int64(sent), channel, micros(after), micros(before), int64(limit))
	})
	return list, err
}
