package sqlledger

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// Where a kept resource came from.
const (
	fromTopic  = 0
	fromServer = 1
	fromLoad   = 2 // from a topic as well, by an initial load
)

// resource is a row of table resource without its body.
type resource struct {
	id, rev, source int64
	deleted         bool
	// visited is set for an appointment that visits go back to. Only head reads it.
	visited bool
	stamp   pipeline.Stamp
}

// version is what Versioned.Version says: the resource's own version or, when the
// feed gives none, what stands for it.
func (r resource) version() string { return versionOf(r.stamp) }

func versionOf(s pipeline.Stamp) string {
	switch {
	case s.Version != "":
		return s.Version
	case !s.LastUpdated.IsZero():
		return s.LastUpdated.UTC().Format(time.RFC3339Nano)
	}
	return hex.EncodeToString(s.Digest)
}

const resourceColumns = "r.id, r.rev, r.source, r.deleted, r.version, r.updated_at, r.recorded_at, r.digest"

func resourceOf(r row) resource {
	return resource{
		id: r.number(0), rev: r.number(1), source: r.number(2), deleted: r.number(3) != 0,
		stamp: pipeline.Stamp{Version: r.text(4), LastUpdated: r.at(5), Recorded: r.at(6), Digest: r.bytes(7)},
	}
}

// head returns what is kept of ref, without its body.
func head(c *conn, ref string) (kept resource, ok bool, err error) {
	r, ok, err := c.one("SELECT "+resourceColumns+", r.visited FROM resource r WHERE r.ref = ?", ref)
	if err != nil || !ok {
		return resource{}, false, err
	}
	kept = resourceOf(r)
	kept.visited = r.number(8) != 0
	return kept, true, nil
}

// body returns the kept bytes of ref, nil for a deleted one.
func (l *Ledger) body(c *conn, id int64, ref string) ([]byte, error) {
	r, ok, err := c.one("SELECT body FROM resource WHERE id = ?", id)
	if err != nil || !ok {
		return nil, err
	}
	return l.seal.open("resource", ref, r.bytes(0))
}

// incoming is a version on its way in, sealed before it queues.
type incoming struct {
	ref       string
	stamp     pipeline.Stamp
	source    int64
	fetchedAt int64
	body      any // sealed bytes, or nil for a deletion
	// patient is whom a RelatedPerson acts for; "" of anything else.
	patient string
	// consents is whose Consent it is; "" of anything else.
	consents string
}

func (l *Ledger) incoming(ref string, stamp pipeline.Stamp, body []byte) incoming {
	in := incoming{ref: ref, stamp: stamp, body: nil, patient: actsFor(ref, body), consents: consentOf(ref, body)}
	// What is stored is what is compared: microseconds.
	in.stamp.LastUpdated, in.stamp.Recorded = fromMicros(micros(stamp.LastUpdated)), fromMicros(micros(stamp.Recorded))
	in.stamp.Digest = l.seal.fingerprint(body)
	if body != nil {
		in.body = l.seal.seal("resource", ref, body)
	}
	return in
}

// keep stores a version over the kept one, or as the first, and returns the row's id.
func keep(t *tx, in incoming, kept resource) (int64, error) {
	s := in.stamp
	deleted := number(in.body == nil)
	if err := relate(t, in.ref, in.patient); err != nil {
		return 0, err
	}
	if err := consents(t, in.ref, in.consents); err != nil {
		return 0, err
	}
	if kept.id == 0 {
		id := t.id()
		_, err := t.exec(`INSERT INTO resource (id, ref, version, updated_at, recorded_at, digest, rev, source, fetched_at, deleted, body)
			VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?)`,
			id, in.ref, s.Version, micros(s.LastUpdated), micros(s.Recorded), s.Digest, in.source, in.fetchedAt, deleted, in.body)
		return id, err
	}
	_, err := t.exec(`UPDATE resource SET version = ?, updated_at = ?, recorded_at = ?, digest = ?, rev = rev + 1, source = ?,
		fetched_at = ?, deleted = ?, body = ? WHERE id = ?`,
		s.Version, micros(s.LastUpdated), micros(s.Recorded), s.Digest, in.source, in.fetchedAt, deleted, in.body, kept.id)
	return kept.id, err
}

// subjectID returns the id of a subject's row. A subject that was never kept gets
// one without version, over which every version is newer. "" is subject 0.
func subjectID(t *tx, ref string) (int64, error) {
	if ref == "" {
		return 0, nil
	}
	kept, ok, err := head(t.conn, ref)
	if err != nil || ok {
		return kept.id, err
	}
	return keep(t, incoming{ref: ref}, resource{})
}

// Resource implements pipeline.Directory.
func (l *Ledger) Resource(ctx context.Context, ref string) (v pipeline.Versioned, ok bool, err error) {
	err = l.view(ctx, func(c *conn) error {
		v, ok, err = l.newest(c, ref)
		return err
	})
	return v, ok, err
}

func (l *Ledger) newest(c *conn, ref string) (v pipeline.Versioned, ok bool, err error) {
	r, ok, err := c.one("SELECT "+resourceColumns+", r.body FROM resource r WHERE r.ref = ? AND r.deleted = 0", ref)
	if err != nil || !ok {
		return v, false, err
	}
	body, err := l.seal.open("resource", ref, r.bytes(8))
	kept := resourceOf(r)
	return pipeline.Versioned{Resource: body, Version: kept.version(), Stamp: kept.stamp, Loaded: kept.source == fromLoad}, err == nil, err
}

// Fetched implements pipeline.Ledger. A resource without type or id is Malformed.
func (l *Ledger) Fetched(ctx context.Context, v pipeline.Versioned, at time.Time) error {
	h, err := fhir.Peek(v.Resource)
	if err != nil || h.ID == "" {
		return &pipeline.Error{Op: "sqlledger.fetched", Kind: pipeline.Malformed, Reason: "not_fhir"}
	}
	stamp := pipeline.Stamp{Version: v.Version, LastUpdated: h.LastUpdated, Recorded: at}
	if stamp.Version == "" {
		stamp.Version = h.Version
	}
	in := l.incoming(h.Ref(), stamp, v.Resource)
	in.source, in.fetchedAt = fromServer, micros(at)
	return l.writer.do(ctx, func(t *tx) error {
		kept, ok, err := head(t.conn, in.ref)
		if err != nil {
			return err
		}
		switch {
		case !ok || pipeline.Compare(kept.stamp, in.stamp) == pipeline.Newer:
			_, err = keep(t, in, kept)
		case kept.source == fromServer:
			_, err = t.exec("UPDATE resource SET fetched_at = ? WHERE id = ?", in.fetchedAt, kept.id)
		}
		return err
	})
}

// staleScan bounds how many of what is due next Stale looks at: a backlog is worked off in order,
// and asking often must not cost more the longer it is.
const staleScan = 1000

// Stale implements pipeline.Ledger.
func (l *Ledger) Stale(ctx context.Context, dueBefore, fetchedBefore time.Time, limit int) (refs []string, err error) {
	seen := map[string]bool{}
	err = l.view(ctx, func(c *conn) error {
		return priorities(c, func(p, _ int64) error {
			if len(refs) >= limit {
				return errEnough
			}
			return c.query(func(r row) error {
				if ref := r.text(0); !seen[ref] {
					seen[ref] = true
					refs = append(refs, ref)
				}
				if len(refs) >= limit {
					return errEnough
				}
				return nil
			}, `SELECT r.ref FROM (
					SELECT patient FROM notification WHERE state = 0 AND priority = ? AND due_at < ? ORDER BY due_at LIMIT ?
				) AS n JOIN resource r ON r.ref = n.patient WHERE r.source = 1 AND r.deleted = 0 AND r.fetched_at < ?`,
				p, micros(dueBefore), int64(staleScan), micros(fetchedBefore))
		})
	})
	return refs, err
}

// priorities calls each with every priority that something is planned with, lowest
// first, and when the first of it falls due. With an index on (priority, due_at) each step is one look-up.
func priorities(c *conn, each func(p, first int64) error) error {
	for last := -never; ; {
		r, ok, err := c.one("SELECT priority, due_at FROM notification WHERE state = 0 AND priority > ? ORDER BY priority, due_at LIMIT 1", last)
		if err != nil || !ok {
			return err
		}
		last = r.number(0)
		if err := each(last, r.number(1)); err != nil {
			if errors.Is(err, errEnough) {
				return nil
			}
			return err
		}
	}
}
