package sqlledger

import "time"

// tx is what a call sees of the transaction it runs in.
type tx struct {
	*conn
	w *writer
	// now is the time of the transaction, the same for all of its calls.
	now    time.Time
	counts []tallied
	// due is when the earliest falls due of what was planned, in microseconds.
	due int64
}

func (w *writer) tx() *tx { return &tx{conn: w.conn, w: w, now: w.now(), due: never} }

// news notes when something falls due that was planned. If it is in somebody's hands, it is news once more when it no longer is.
func (t *tx) news(due int64) { t.due = min(t.due, due) }

type tallied struct {
	what counted
	n    int64
}

func (t *tx) count(what counted, n int64) { t.counts = append(t.counts, tallied{what, n}) }

// id returns the id of a new row.
func (t *tx) id() int64 {
	t.w.ids++
	return t.w.ids
}

// flush brings the tallies up to date.
func (t *tx) flush() error {
	sums := make(map[counted]int64, 8)
	for _, c := range t.counts {
		sums[c.what] += c.n
	}
	for what, n := range sums {
		if n == 0 {
			continue
		}
		_, err := t.exec(`INSERT INTO tally (kind, name, reason, n) VALUES (?, ?, ?, ?)
			ON CONFLICT (kind, name, reason) DO UPDATE SET n = tally.n + excluded.n`, what.kind, what.name, what.reason, n)
		if err != nil {
			return err
		}
	}
	return nil
}
