package sqlledger

import (
	"context"

	"fhirbridge/pipeline"
)

// goesBack remembers that a visit which takes place was planned from appointments. It stays when that is no longer so: whoever
// decides anew looks.
func goesBack(t *tx, encounter string, list []pipeline.Booking) error {
	for _, b := range list {
		id, err := subjectID(t, b.Ref)
		if err != nil {
			return err
		}
		if _, err := t.exec("UPDATE resource SET visited = 1 WHERE id = ? AND visited = 0", id); err != nil {
			return err
		}
		if _, err := t.exec(`INSERT INTO visit (appointment_id, encounter, version, updated_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (appointment_id, encounter) DO UPDATE SET version = excluded.version, updated_at = excluded.updated_at`,
			id, encounter, b.From.Version, micros(b.From.LastUpdated)); err != nil {
			return err
		}
	}
	return nil
}

// visits returns those that go back to an appointment of which a version came, and were planned from an older one. One that has
// come again counts as well: what follows of it may not have been done.
func visits(t *tx, appointment resource, came pipeline.Stamp, fresh pipeline.Freshness) (list []string, err error) {
	if !appointment.visited || fresh == pipeline.Older {
		return nil, nil
	}
	err = t.query(func(r row) error {
		if pipeline.Compare(pipeline.Stamp{Version: r.text(1), LastUpdated: r.at(2)}, came) == pipeline.Newer {
			list = append(list, r.text(0))
		}
		return nil
	}, "SELECT encounter, version, updated_at FROM visit WHERE appointment_id = ? ORDER BY encounter", appointment.id)
	return list, err
}

// Revise implements pipeline.Ledger.
func (l *Ledger) Revise(ctx context.Context, ref, version string, decide pipeline.Decide) (result pipeline.Applied, err error) {
	var owed []pipeline.Write
	err = l.writer.do(ctx, func(t *tx) error {
		result, owed = pipeline.Applied{}, nil
		kept, ok, err := head(t.conn, ref)
		if err != nil || !ok || kept.deleted || kept.version() != version {
			return err
		}
		before, subject, err := l.before(t, kept, ref)
		if err != nil {
			return err
		}
		plan, err := planOf(ref, decide, before, subject)
		if err != nil {
			return err
		}
		owed = plan.Writes
		result, err = l.carryOut(t, kept.id, ref, subject, plan, pipeline.ReasonSuperseded)
		return err
	})
	if err != nil {
		return pipeline.Applied{}, err
	}
	l.wake(owed)
	return result, nil
}
