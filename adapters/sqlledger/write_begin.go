package sqlledger

import (
	"context"
	"time"

	"fhirbridge/pipeline"
)

// replaceFinal gives a write that waits for an outcome the newest of it, and says when it may be tried. rev stays: it is
// done once, whichever of the two somebody has in hands.
func replaceFinal(t *tx, w owedWrite, ready *int64) (bool, error) {
	if w.Kind != pipeline.WriteFinal {
		return false, nil
	}
	*ready = max(*ready, micros(w.NotBefore))
	n, err := t.exec("UPDATE owed SET secret = ?, ready_at = ? WHERE name = ? AND state = 0 AND begun_at = 0", w.secret, *ready, w.name)
	return n > 0, err
}

// BeginWrite implements pipeline.Ledger.
func (l *Ledger) BeginWrite(ctx context.Context, key string, at time.Time) error {
	name := once(key)
	return l.writer.do(ctx, func(t *tx) error {
		_, err := t.exec("UPDATE owed SET begun_at = ? WHERE name = ? AND state = 0", micros(at), name)
		return err
	})
}
