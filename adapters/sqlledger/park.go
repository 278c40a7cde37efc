package sqlledger

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"fhirbridge/pipeline"
)

// parkedEvent is an event as it is stored: Private does not marshal.
type parkedEvent struct {
	Type, ID, Version string
	LastUpdated       time.Time
	Operation         pipeline.Operation
	Resource          []byte
	Context           map[string][]byte
	Time              time.Time
	Key               string
}

func place(s pipeline.Source) []any { return []any{s.Topic, int64(s.Partition), s.Offset} }

// Park implements pipeline.Ledger.
func (l *Ledger) Park(ctx context.Context, ev pipeline.Event, reason pipeline.Reason, retry time.Time) error {
	e := parkedEvent{
		Type: ev.Type, ID: ev.ID, Version: ev.Version, LastUpdated: ev.LastUpdated, Operation: ev.Operation,
		Resource: ev.Resource, Time: ev.Source.Time, Key: ev.Source.Key.Reveal(),
	}
	if len(ev.Context) > 0 {
		e.Context = make(map[string][]byte, len(ev.Context))
		for ref, raw := range ev.Context {
			e.Context[ref] = raw
		}
	}
	text, err := json.Marshal(e)
	if err != nil {
		return &pipeline.Error{Op: "sqlledger.park", Kind: pipeline.Malformed, Reason: "not_json"}
	}
	secret := l.seal.seal("parked", ev.Source.String()+" "+ev.Ref(), text)
	return l.writer.do(ctx, func(t *tx) error {
		n, err := t.exec("UPDATE parked SET reason = ?, tries = tries + 1, retry_at = ?, secret = ? WHERE topic = ? AND part = ? AND place = ? AND ref = ?",
			append([]any{string(reason), micros(retry), secret}, append(place(ev.Source), ev.Ref())...)...)
		if err != nil || n > 0 {
			return err
		}
		_, err = t.exec("INSERT INTO parked (topic, part, place, ref, reason, tries, since_at, retry_at, secret) VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?)",
			append(place(ev.Source), ev.Ref(), string(reason), micros(t.now), micros(retry), secret)...)
		t.count(counted{kind: tallyParked}, 1)
		return err
	})
}

// Parked implements pipeline.Ledger.
func (l *Ledger) Parked(ctx context.Context, now time.Time, limit int) (list []pipeline.ParkedEvent, err error) {
	var faulty []faultyEvent
	err = l.view(ctx, func(c *conn) error {
		return c.query(func(r row) error {
			e, err := l.parkedOf(r)
			if err != nil {
				faulty = append(faulty, faultyEvent{source: sourceOf(r), ref: r.text(3), secret: slices.Clone(r.bytes(7))})
				return nil
			}
			list = append(list, e)
			return nil
		}, `SELECT topic, part, place, ref, reason, tries, since_at, secret FROM parked
			WHERE retry_at <= ? ORDER BY since_at LIMIT ?`, micros(now), int64(limit))
	})
	if err != nil {
		return nil, err
	}
	var faults []error
	for _, f := range faulty {
		faults = append(faults, l.setAside(ctx, f))
	}
	return list, errors.Join(faults...)
}

// faultyEvent is a parked event that cannot be read.
type faultyEvent struct {
	source pipeline.Source
	ref    string
	secret []byte
}

// setAside keeps what cannot be read from being asked for again, unless it was parked anew meanwhile. It
// returns the error that tells of it, or why it could not be set aside.
func (l *Ledger) setAside(ctx context.Context, f faultyEvent) error {
	err := l.writer.do(ctx, func(t *tx) error {
		_, err := t.exec("UPDATE parked SET reason = ?, retry_at = ? WHERE topic = ? AND part = ? AND place = ? AND ref = ? AND secret = ?",
			append([]any{unreadable.Reason, never}, append(place(f.source), f.ref, f.secret)...)...)
		return err
	})
	if err != nil {
		return err
	}
	return &pipeline.Error{
		Op: "sqlledger.parked", Kind: unreadable.Kind, Reason: unreadable.Reason, Err: errors.New("the event of record " + f.source.String() + " is set aside"),
	}
}

func sourceOf(r row) pipeline.Source {
	return pipeline.Source{Topic: r.text(0), Partition: int(r.number(1)), Offset: r.number(2)}
}

func (l *Ledger) parkedOf(r row) (pipeline.ParkedEvent, error) {
	source := sourceOf(r)
	text, err := l.seal.open("parked", source.String()+" "+r.text(3), r.bytes(7))
	if err != nil {
		return pipeline.ParkedEvent{}, err
	}
	var e parkedEvent
	if err := json.Unmarshal(text, &e); err != nil {
		return pipeline.ParkedEvent{}, unreadable
	}
	source.Time, source.Key = e.Time, pipeline.NewPrivate(e.Key)
	ev := pipeline.Event{
		Type: e.Type, ID: e.ID, Version: e.Version, LastUpdated: e.LastUpdated, Operation: e.Operation,
		Resource: e.Resource, Source: source,
	}
	if len(e.Context) > 0 {
		ev.Context = make(map[string]json.RawMessage, len(e.Context))
		for ref, raw := range e.Context {
			ev.Context[ref] = raw
		}
	}
	return pipeline.ParkedEvent{Event: ev, Reason: pipeline.Reason(r.text(4)), Tries: int(r.number(5)), Since: r.at(6)}, nil
}

// Unpark implements pipeline.Ledger.
func (l *Ledger) Unpark(ctx context.Context, source pipeline.Source, ref string) error {
	return l.writer.do(ctx, func(t *tx) error {
		n, err := t.exec("DELETE FROM parked WHERE topic = ? AND part = ? AND place = ? AND ref = ?", append(place(source), ref)...)
		t.count(counted{kind: tallyParked}, -n)
		return err
	})
}
