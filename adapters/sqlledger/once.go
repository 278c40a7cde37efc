package sqlledger

import "fhirbridge/pipeline"

// beginOnce is begin for an attempt of which something may have been said already: where another notification
// has spoken for it, this one is skipped, and nothing may be posted.
func (l *Ledger) beginOnce(t *tx, a pipeline.Attempt, held lease, row attemptRow) (int64, error) {
	var free [][]byte
	for _, name := range a.Once {
		tag := l.seal.tag(kindOnce, name)
		r, spoken, err := t.one("SELECT key FROM once WHERE name = ?", tag)
		switch {
		case err != nil:
			return 0, err
		case !spoken:
			free = append(free, tag)
		case r.text(0) != a.Notification:
			_, err := closeUnbegun(t, held, a.Notification, skipped, pipeline.ReasonSaid, l.now())
			return 0, err
		}
	}
	id, err := begin(t, a, held, row)
	if err != nil || id == 0 {
		return 0, err
	}
	if err := merge(t, a, id); err != nil {
		return 0, err
	}
	for _, tag := range free {
		if _, err := t.exec("INSERT INTO once (name, key) VALUES (?, ?)", tag, a.Notification); err != nil {
			return 0, err
		}
	}
	return id, nil
}
