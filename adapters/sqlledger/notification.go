package sqlledger

import (
	"context"
	"time"

	"fhirbridge/pipeline"
)

// stored is a notification with what only the ledger knows of it.
type stored struct {
	pipeline.Notification
	subjectID int64
	// attempt is the id of the last attempt's row, 0 if none was begun.
	attempt                                  int64
	plannedAt, postponedAt, toldAt, closedAt int64
	unwanted                                 bool
}

const (
	flagResend = 1 << iota
	flagEdge
	flagFarewell
	flagAside
	flagShut
	flagDigest
	flagAlone
	// flagUnwanted is set while what was said together with another notification is not wanted any more.
	flagUnwanted
	flagSole
)

// notificationColumns are those of table n that notificationOf reads.
const (
	notificationColumns = `n.subject_id, n.key, n.state, n.reason, n.priority, n.due_at, n.expires_at, n.journey, n.step,
		n.patient, n.recipient, n.flags, n.secret, n.planned_at, n.tries, n.attempt, n.postponed_at, n.told_at, n.closed_at`
	notificationWidth = 19
)

// notificationOf reads a row that begins with notificationColumns.
func (l *Ledger) notificationOf(r row, subject string) (stored, error) {
	n := stored{
		subjectID: r.number(0), attempt: r.number(15),
		unwanted:  r.number(11)&flagUnwanted != 0,
		plannedAt: r.number(13), postponedAt: r.number(16), toldAt: r.number(17), closedAt: r.number(18),
		Notification: pipeline.Notification{
			Key: r.text(1), State: stateOf(r.number(2)), Reason: r.text(3), Priority: int(r.number(4)),
			Due: r.at(5), Expires: r.at(6), Journey: r.text(7), Step: r.text(8), Subject: subject,
			Patient: r.text(9), Recipient: r.text(10),
			Resend: r.number(11)&flagResend != 0, Edge: r.number(11)&flagEdge != 0, Farewell: r.number(11)&flagFarewell != 0,
			Aside: r.number(11)&flagAside != 0, Shut: r.number(11)&flagShut != 0,
			Digest: r.number(11)&flagDigest != 0, Alone: r.number(11)&flagAlone != 0, Sole: r.number(11)&flagSole != 0,
			Tries: int(r.number(14)),
		},
	}
	secret, err := l.seal.open("notification", n.Key, r.bytes(12))
	if err != nil {
		return stored{}, err
	}
	var facts, address, offers string
	if err := unpack(secret, &facts, &address, &n.Occasion, &n.ReplyTo, &n.CoveredBy, &offers, &n.Thread); err != nil {
		return stored{}, err
	}
	if n.Offers, err = unpackOffers(offers); err != nil {
		return stored{}, err
	}
	n.Facts, n.Address = pipeline.NewPrivate(facts), pipeline.NewPrivate(address)
	return n, nil
}

func (l *Ledger) sealNotification(n pipeline.Notification) []byte {
	fields := []string{n.Facts.Reveal(), n.Address.Reveal(), n.Occasion, n.ReplyTo, n.CoveredBy}
	if len(n.Offers) > 0 || n.Thread != "" { // most have neither
		fields = append(fields, packOffers(n.Offers), n.Thread)
	}
	return l.seal.seal("notification", n.Key, pack(fields...))
}

func flags(n pipeline.Notification) int64 {
	return number(n.Resend)*flagResend | number(n.Edge)*flagEdge | number(n.Farewell)*flagFarewell | number(n.Aside)*flagAside | number(n.Sole)*flagSole |
		number(n.Shut)*flagShut | number(n.Digest)*flagDigest | number(n.Alone)*flagAlone
}

// insert plans a notification whose key is not there yet.
func (l *Ledger) insert(t *tx, subjectID int64, n pipeline.Notification) error {
	_, err := t.exec(`INSERT INTO notification (subject_id, key, state, reason, priority, due_at, expires_at, journey, step,
		patient, recipient, flags, secret, planned_at) VALUES (?, ?, 0, '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		subjectID, n.Key, int64(n.Priority), micros(n.Due), micros(n.Expires), n.Journey, n.Step,
		n.Patient, n.Recipient, flags(n), l.sealNotification(n), micros(t.now))
	t.counted(planned, "", 1)
	return err
}

// concern remembers which patients a subject concerns.
func concern(t *tx, subjectID int64, patients ...string) error {
	if subjectID == 0 {
		return nil // those are found by notification_alone
	}
	for i, p := range patients {
		if p == "" || i > 0 && p == patients[i-1] {
			continue
		}
		_, err := t.exec("INSERT INTO about (patient, subject_id) VALUES (?, ?) ON CONFLICT (patient, subject_id) DO NOTHING", p, subjectID)
		if err != nil {
			return err
		}
	}
	return nil
}

// find returns one notification, with its subject's reference.
func (l *Ledger) find(c *conn, subjectID int64, key string) (found stored, ok bool, err error) {
	r, ok, err := c.one("SELECT "+notificationColumns+`, r.ref FROM notification n LEFT JOIN resource r ON r.id = n.subject_id
		WHERE n.subject_id = ? AND n.key = ?`, subjectID, key)
	if err != nil || !ok {
		return stored{}, false, err
	}
	found, err = l.notificationOf(r, r.text(notificationWidth))
	return found, err == nil, err
}

// ofSubject returns all notifications of one subject, in the order of their keys.
func (l *Ledger) ofSubject(c *conn, subjectID int64, subject string) (list []stored, err error) {
	err = c.query(func(r row) error {
		n, err := l.notificationOf(r, subject)
		list = append(list, n)
		return err
	}, "SELECT "+notificationColumns+" FROM notification n WHERE n.subject_id = ?", subjectID)
	return list, err
}

// StateOf implements pipeline.Ledger.
func (l *Ledger) StateOf(ctx context.Context, subject, key string) (state pipeline.State, due time.Time, ok bool, err error) {
	err = l.view(ctx, func(c *conn) error {
		r, there, err := c.one("SELECT n.state, n.due_at FROM resource r JOIN notification n ON n.subject_id = r.id WHERE r.ref = ? AND n.key = ?", subject, key)
		if ok = there; there {
			state, due = stateOf(r.number(0)), r.at(1)
		}
		return err
	})
	return state, due, ok, err
}
