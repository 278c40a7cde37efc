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
			if pipeline.KindOf(err) == pipeline.Malformed { // what cannot be read any more is listed by what stands in the clear
				err = nil
			}
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
	l.writeLeases.asking.Lock() // nothing is handed out while it is looked at who stands at the head
	defer l.writeLeases.asking.Unlock()
	err = l.writer.do(ctx, func(t *tx) error {
		n, sinks = 0, nil
		var list []writeLease
		err := t.query(func(r row) error {
			if len(keys) == 0 || slices.ContainsFunc(names, func(name []byte) bool { return slices.Equal(name, r.bytes(3)) }) {
				list = append(list, writeLease{id: r.number(0), sink: r.text(1), queue: r.number(2)})
			}
			return nil
		}, "SELECT id, sink, queue_at, name FROM owed WHERE state = 1 AND kind NOT IN (?, ?, ?) AND reason <> ? ORDER BY id",
			string(pipeline.WriteDecision), string(pipeline.WriteWish), string(pipeline.WriteFile), string(pipeline.ReasonNoLocation))
		if err != nil {
			return err
		}
		for _, w := range list {
			if err := l.oweAgain(t, w); err != nil {
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

// oweAgain lets one be tried at once, before what stands behind it. What is under way at the head of its queue, or was owed
// before it, ends first.
func (l *Ledger) oweAgain(t *tx, w writeLease) error {
	now := micros(t.now)
	head, there, err := t.one("SELECT id FROM owed WHERE sink = ? AND queue_at = ? AND state = 0 AND ready_at IS NOT NULL ORDER BY id LIMIT 1", w.sink, w.queue)
	if err != nil {
		return err
	}
	if there && head.number(0) > w.id && l.writeLeases.free(head.number(0), t.now) {
		if _, err := t.exec("UPDATE owed SET ready_at = NULL WHERE id = ?", head.number(0)); err != nil {
			return err
		}
		there = false
	}
	ready := any(now)
	if there {
		ready = nil
	}
	n, err := t.exec(`UPDATE owed SET state = 0, reason = '', tries = 0, refused_at = 0, created_at = ?, ready_at = CAST(? AS BIGINT)
		WHERE id = ? AND state = 1`, now, ready, w.id)
	t.count(counted{kind: tallyGivenUp}, -n)
	t.count(counted{kind: tallyWrite, name: w.sink}, n)
	return err
}
