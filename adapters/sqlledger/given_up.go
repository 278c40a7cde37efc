package sqlledger

import (
	"context"
	"slices"

	"fhirbridge/pipeline"
)

// GivenUp implements pipeline.Ledger.
func (l *Ledger) GivenUp(ctx context.Context, limit int) (list []pipeline.GivenUpWrite, err error) {
	err = l.view(ctx, func(c *conn) error {
		list = nil
		return c.query(func(r row) error {
			w, err := l.writeOf(r)
			list = append(list, pipeline.GivenUpWrite{
				Key: w.Key, Sink: w.Sink, Kind: w.Kind, Type: w.Type, Order: w.Order, Reason: pipeline.Reason(r.text(12)), Tries: w.Tries, Created: w.Created,
			})
			return err
		}, "SELECT "+owedColumns+", o.reason FROM owed o WHERE o.state = 1 ORDER BY o.id LIMIT ?", int64(limit))
	})
	return list, err
}

// Owed implements pipeline.Ledger.
func (l *Ledger) Owed(ctx context.Context, key string) (owed bool, err error) {
	err = l.view(ctx, func(c *conn) error {
		_, owed, err = c.one("SELECT id FROM owed WHERE name = ? AND state = 0", once(key))
		return err
	})
	return owed, err
}

// OweAgain implements pipeline.Ledger.
func (l *Ledger) OweAgain(ctx context.Context, keys ...string) (n int, err error) {
	names := make([][]byte, len(keys))
	for i, key := range keys {
		names[i] = once(key)
	}
	var sinks []pipeline.Sink
	err = l.writer.do(ctx, func(t *tx) error {
		n, sinks = 0, nil
		var list []writeLease
		err := t.query(func(r row) error {
			if len(keys) == 0 || slices.ContainsFunc(names, func(name []byte) bool { return slices.Equal(name, r.bytes(3)) }) {
				list = append(list, writeLease{id: r.number(0), sink: r.text(1), queue: r.number(2)})
			}
			return nil
		}, "SELECT id, sink, queue_at, name FROM owed WHERE state = 1 AND kind <> ? AND kind <> ? AND reason <> ? ORDER BY id",
			string(pipeline.WriteDecision), string(pipeline.WriteWish), string(pipeline.ReasonNoLocation))
		if err != nil {
			return err
		}
		for _, w := range list {
			if err := oweAgain(t, w); err != nil {
				return err
			}
			n, sinks = n+1, append(sinks, pipeline.Sink(w.sink))
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, sink := range sinks {
		signal(l.writes[sink])
	}
	return n, nil
}

// oweAgain lets one be tried at once where its queue is empty, else after the one that stands at its head.
func oweAgain(t *tx, w writeLease) error {
	now := micros(t.now)
	n, err := t.exec(`UPDATE owed SET state = 0, reason = '', tries = 0, refused_at = 0, created_at = ?,
		ready_at = CASE WHEN EXISTS (SELECT 1 FROM owed o WHERE o.sink = ? AND o.queue_at = ? AND o.state = 0) THEN NULL ELSE CAST(? AS BIGINT) END
		WHERE id = ? AND state = 1`, now, w.sink, w.queue, now, w.id)
	t.count(counted{kind: tallyGivenUp}, -n)
	t.count(counted{kind: tallyWrite, name: w.sink}, n)
	return err
}
