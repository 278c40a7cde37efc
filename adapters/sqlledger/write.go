package sqlledger

import (
	"context"
	"time"

	"fhirbridge/pipeline"
)

const owedColumns = "o.id, o.key, o.sink, o.kind, o.type, o.tries, o.created_at, o.secret, o.queue_at, o.rev, o.begun_at, o.refused_at"

func (l *Ledger) writeOf(r row) (pipeline.Write, error) {
	w := pipeline.Write{
		Key: r.text(1), Sink: pipeline.Sink(r.text(2)), Kind: pipeline.WriteKind(r.text(3)), Type: r.text(4),
		Tries: int(r.number(5)), Created: r.at(6), Begun: r.at(10), Refused: r.at(11),
	}
	secret, err := l.seal.open("owed", w.Key, r.bytes(7))
	if err != nil {
		return w, err
	}
	var body, sender, decision, file, wish string
	if err := unpack(secret, &body, &w.Order, &w.IfNoneExist, &w.Answers, &sender, &decision, &file, &wish, &w.Thread, &w.Of); err != nil {
		return w, err
	}
	w.Body, w.Sender = pipeline.NewPrivate(body), pipeline.NewPrivate(sender)
	if w.Decision, err = unpackDecision(decision); err != nil {
		return w, err
	}
	if w.File, err = unpackFile(file); err != nil {
		return w, err
	}
	w.Wish, err = unpackWish(wish)
	return w, err
}

// Writes implements pipeline.Ledger.
func (l *Ledger) Writes(ctx context.Context, sink pipeline.Sink, now time.Time, limit int) ([]pipeline.Write, error) {
	l.writeLeases.asking.Lock()
	defer l.writeLeases.asking.Unlock()
	var list []pipeline.Write
	err := l.view(ctx, func(c *conn) error {
		ids, err := l.ready(c, sink, now, limit)
		if err != nil {
			return err
		}
		// What was settled while they were found is gone by now.
		return c.moment(func() error {
			for _, id := range ids {
				r, ok, err := c.one("SELECT "+owedColumns+" FROM owed o WHERE o.id = ? AND o.state = 0 AND o.ready_at <= ?", id, micros(now))
				if err != nil {
					return err
				}
				if !ok {
					continue
				}
				w, err := l.writeOf(r)
				if err == nil && w.Of != "" {
					w.Message, err = l.sentMessage(c, w.Of)
				}
				if err != nil && pipeline.KindOf(err) != pipeline.Malformed {
					return err
				}
				if err != nil { // it is handed out empty, and given up, which does not say why
					l.log.Error("ledger: a write cannot be read", "write", w.Key, "error", err)
				}
				l.writeLeases.take(w.Key, writeLease{id: id, sink: string(sink), queue: r.number(8), follows: w.Kind == pipeline.WriteFollow, rev: r.number(9), until: now.Add(pipeline.LeaseTime)})
				list = append(list, w)
			}
			return nil
		})
	})
	if err != nil {
		for _, w := range list {
			l.writeLeases.end(w.Key)
		}
		return nil, err
	}
	return list, nil
}

// ready returns the rows of the writes that may be tried now and are not leased.
func (l *Ledger) ready(c *conn, sink pipeline.Sink, now time.Time, limit int) (ids []int64, err error) {
	err = c.query(func(r row) error {
		if len(ids) >= limit {
			return errEnough
		}
		if id := r.number(0); l.writeLeases.free(id, now) {
			ids = append(ids, id)
		}
		return nil
	}, "SELECT id FROM owed WHERE sink = ? AND ready_at IS NOT NULL AND ready_at <= ? ORDER BY ready_at, id", string(sink), micros(now))
	return ids, err
}

// SettleWrite implements pipeline.Ledger. A write that is not pending is left as it is.
func (l *Ledger) SettleWrite(ctx context.Context, key string, r pipeline.WriteResult, more ...pipeline.Write) error {
	if r.At.IsZero() {
		r.At = l.now()
	}
	owed := l.sealWrites(more)
	held, leased := l.writeLeases.of(key)
	name := once(key)
	next := "" // the sink of which another write has become ready
	err := l.writer.do(ctx, func(t *tx) (err error) {
		next = ""
		w, ok := held, leased
		if !ok {
			found, there, err := t.one("SELECT id, queue_at, sink, rev, kind FROM owed WHERE name = ?", name)
			if err != nil || !there {
				return err
			}
			w = writeLease{
				id: found.number(0), queue: found.number(1), sink: found.text(2), rev: found.number(3),
				follows: pipeline.WriteKind(found.text(4)) == pipeline.WriteFollow,
			}
		}
		if next, err = l.endWrite(t, w, name, r); err != nil {
			return err
		}
		return insertWrites(t, owed)
	})
	if err != nil {
		return err
	}
	l.writeLeases.end(key)
	if len(r.Say) > 0 {
		l.news(micros(r.At))
	}
	signal(l.writes[pipeline.Sink(next)])
	l.owe(owed)
	return nil
}

// endWrite closes a write, or puts it off, and does what follows of it. It returns the sink of which
// another write has become ready, "" if none has.
func (l *Ledger) endWrite(t *tx, w writeLease, name []byte, r pipeline.WriteResult) (next string, err error) {
	ended, err := settleWrite(t, w, name, r)
	if err != nil {
		return "", err
	}
	if !ended {
		return replacedMeanwhile(t, w, r)
	}
	for _, n := range r.Say {
		if err := l.outcome(t, n); err != nil {
			return "", err
		}
	}
	if r.Done {
		if err := decided(t, r.Answer); err != nil {
			return "", err
		}
	}
	t.count(counted{kind: tallyWrite, name: w.sink}, -1)
	n, err := t.exec(`UPDATE owed SET ready_at = ? WHERE id = (
		SELECT id FROM owed WHERE sink = ? AND queue_at = ? AND state = 0 ORDER BY id LIMIT 1)`, micros(t.now), w.sink, w.queue)
	if err != nil || n == 0 {
		return "", err
	}
	return w.sink, nil
}

// decided keeps what a patient has decided by a write that is done.
func decided(t *tx, a *pipeline.Answer) error {
	if a == nil {
		return nil
	}
	id, err := subjectID(t, a.Subject)
	if err != nil {
		return err
	}
	return keepAnswer(t, id, *a)
}

// settleWrite reports whether the write was pending and is no more.
func settleWrite(t *tx, w writeLease, name []byte, r pipeline.WriteResult) (ended bool, err error) {
	var n int64
	switch {
	case r.Done:
		if n, err = t.exec("DELETE FROM owed WHERE id = ? AND state = 0 AND rev = ?", w.id, w.rev); err != nil || n == 0 || w.follows {
			return n > 0, err
		}
		_, err = t.exec("INSERT INTO written (name, ref, done_at) VALUES (?, ?, ?)", name, r.Ref, micros(r.At))
	case r.GiveUp:
		n, err = t.exec("UPDATE owed SET state = 1, reason = ?, tries = tries + 1, ready_at = NULL, begun_at = begun_at * ? WHERE id = ? AND state = 0 AND rev = ?",
			string(r.Reason), number(r.Unclear), w.id, w.rev)
		t.count(counted{kind: tallyGivenUp}, n)
	default:
		if r.Untried { // it is what it was
			_, err = t.exec("UPDATE owed SET reason = ?, ready_at = ? WHERE id = ? AND state = 0", string(r.Reason), micros(r.Retry), w.id)
			return false, err
		}
		_, err = t.exec("UPDATE owed SET reason = ?, tries = tries + 1, ready_at = ?, begun_at = begun_at * ?, refused_at = ? WHERE id = ? AND state = 0",
			string(r.Reason), micros(r.Retry), number(r.Unclear), micros(r.Refused), w.id)
	}
	return n > 0, err
}

// replacedMeanwhile lets a write that a newer one has replaced while it was tried be tried at once, and returns its sink.
func replacedMeanwhile(t *tx, w writeLease, r pipeline.WriteResult) (sink string, err error) {
	if !r.Done && !r.GiveUp {
		return "", nil
	}
	n, err := t.exec("UPDATE owed SET ready_at = ? WHERE id = ? AND state = 0 AND rev <> ?", micros(t.now), w.id, w.rev)
	if err != nil || n == 0 {
		return "", err
	}
	return w.sink, nil
}

// Written implements pipeline.Ledger.
func (l *Ledger) Written(ctx context.Context, key string) (ref string, err error) {
	err = l.view(ctx, func(c *conn) error {
		r, ok, err := c.one("SELECT ref FROM written WHERE name = ?", once(key))
		if ok {
			ref = r.text(0)
		}
		return err
	})
	return ref, err
}
