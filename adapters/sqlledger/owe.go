package sqlledger

import (
	"cmp"

	"fhirbridge/pipeline"
)

// owedWrite is a write with what can be made of it before its transaction.
type owedWrite struct {
	pipeline.Write
	name   []byte
	queue  int64
	secret []byte
}

func (l *Ledger) sealWrites(list []pipeline.Write) []owedWrite {
	if len(list) == 0 {
		return nil
	}
	owed := make([]owedWrite, len(list))
	queue, of := int64(0), ""
	for i, w := range list {
		// A queue may be named after a number: it is kept as a digest, and its name is sealed.
		if name := cmp.Or(w.Whose.Reveal(), w.Order); i == 0 || name != of {
			queue, of = short(l.seal.tag(kindQueue, name)), name
		}
		owed[i] = owedWrite{
			Write: w, name: once(w.Key), queue: queue,
			secret: l.seal.seal("owed", w.Key, pack(
				w.Body.Reveal(), w.Order, w.IfNoneExist, w.Answers, w.Sender.Reveal(), packDecision(w.Decision), packFile(w.File), packWish(w.Wish), w.Thread, w.Of)),
		}
	}
	return owed
}

// insertWrites adds writes whose keys were never seen. The first of a queue is
// ready; the others wait behind it.
func insertWrites(t *tx, list []owedWrite) error {
	now := micros(t.now)
	for _, w := range list {
		ready := now
		if w.Kind == pipeline.WriteFollow {
			replaced, err := replaceWrite(t, w)
			if err != nil {
				return err
			}
			if replaced {
				continue
			}
		} else if replaced, err := replaceFinal(t, w, &ready); err != nil {
			return err
		} else if replaced {
			continue
		}
		n, err := t.exec(`INSERT INTO owed (id, name, key, sink, queue_at, kind, type, state, reason, tries, created_at, ready_at, secret)
			SELECT ?, ?, ?, ?, ?, ?, ?, 0, '', 0, ?,
				CASE WHEN EXISTS (SELECT 1 FROM owed WHERE sink = ? AND queue_at = ? AND state = 0) THEN NULL ELSE CAST(? AS BIGINT) END, ?
			WHERE NOT EXISTS (SELECT 1 FROM written WHERE name = ?)
			ON CONFLICT (name) DO NOTHING`,
			t.id(), w.name, w.Key, string(w.Sink), w.queue, string(w.Kind), w.Type, now, string(w.Sink), w.queue, ready, w.secret, w.name)
		if err != nil {
			return err
		}
		t.count(counted{kind: tallyWrite, name: string(w.Sink)}, n)
	}
	return nil
}

// replaceWrite gives a write that follows something the newest of what it follows. Whoever tries it just now will find
// that rev is another one. One that was given up is owed anew: what is newer may be taken.
func replaceWrite(t *tx, w owedWrite) (bool, error) {
	n, err := t.exec("UPDATE owed SET secret = ?, rev = rev + 1 WHERE name = ? AND state = 0", w.secret, w.name)
	if err != nil || n > 0 {
		return n > 0, err
	}
	now, sink := micros(t.now), string(w.Sink)
	n, err = t.exec(`UPDATE owed SET state = 0, reason = '', tries = 0, refused_at = 0, created_at = ?, secret = ?, rev = rev + 1,
		ready_at = CASE WHEN EXISTS (SELECT 1 FROM owed o WHERE o.sink = ? AND o.queue_at = ? AND o.state = 0) THEN NULL ELSE CAST(? AS BIGINT) END
		WHERE name = ? AND state = 1`, now, w.secret, sink, w.queue, now, w.name)
	t.count(counted{kind: tallyGivenUp}, -n)
	t.count(counted{kind: tallyWrite, name: sink}, n)
	return n > 0, err
}

// owe signals that writes were added.
func (l *Ledger) owe(list []owedWrite) {
	for _, w := range list {
		signal(l.writes[w.Sink])
	}
}
