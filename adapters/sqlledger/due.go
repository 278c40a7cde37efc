package sqlledger

import (
	"context"
	"strings"
	"time"

	"fhirbridge/pipeline"
)

// dueChunk is how many notifications are read with one statement.
const dueChunk = 32

// place of a notification.
type address struct {
	subjectID int64
	key       string
}

// candidate is a notification that is due, with what a lease needs.
type candidate struct {
	pipeline.DueNotification
	stored stored
	rev    int64
}

// Due implements pipeline.Ledger.
func (l *Ledger) Due(ctx context.Context, now time.Time, limit int) ([]pipeline.DueNotification, time.Time, error) {
	l.leases.asking.Lock()
	defer l.leases.asking.Unlock()
	l.told.Store(never) // whatever is planned while this reads is news
	found, next, err := l.candidates(ctx, now, limit)
	if err != nil {
		return nil, time.Time{}, err
	}
	due := make([]pipeline.DueNotification, 0, len(found))
	for _, c := range found {
		l.leases.take(c.Key, lease{
			subjectID: c.stored.subjectID, rev: c.rev, version: c.DueNotification.Subject.Version, step: c.Step,
			last: c.stored.attempt, until: now.Add(pipeline.LeaseTime),
		})
		due = append(due, c.DueNotification)
	}
	l.told.Store(next)
	if next == never {
		next = 0
	}
	return due, fromMicros(next), nil
}

// candidates reads what is due and not leased, in order, and when the first of the others falls due.
func (l *Ledger) candidates(ctx context.Context, now time.Time, limit int) (found []candidate, next int64, err error) {
	err = l.moment(ctx, func(c *conn) error {
		var places []address
		if places, next, err = l.unleased(c, now, limit); err != nil {
			return err
		}
		found = make([]candidate, 0, len(places))
		for len(places) > 0 {
			n := min(dueChunk, len(places))
			if found, err = l.readDue(c, places[:n], found); err != nil {
				return err
			}
			places = places[n:]
		}
		return gone(c, found)
	})
	return found, next, err
}

// unleased returns where up to limit notifications are that are due and in nobody's hands, and when the first of the others falls due.
func (l *Ledger) unleased(c *conn, now time.Time, limit int) (places []address, next int64, err error) {
	asked, due := time.Now(), micros(now)
	next = never
	err = priorities(c, func(p, first int64) error {
		if first > due && first >= next {
			return nil
		}
		return c.query(func(r row) error {
			at := address{r.number(0), r.text(1)}
			switch {
			case !l.leases.free(at.key, asked, now):
			case r.number(2) <= due && len(places) < limit:
				places = append(places, at)
			default:
				next = min(next, r.number(2))
				return errEnough
			}
			return nil
		}, "SELECT subject_id, key, due_at FROM notification WHERE state = 0 AND priority = ? ORDER BY due_at", p)
	})
	return places, next, err
}

// gone tells of those that were tried before whether an attempt went out, or may have.
func gone(c *conn, found []candidate) error {
	for i := range found {
		if found[i].stored.attempt == 0 { // what another message has said has one, and no try
			continue
		}
		h, err := historyOf(c, found[i].stored.attempt)
		if err != nil {
			return err
		}
		found[i].Gone = h.gone
	}
	return nil
}

// readDue appends the notifications at places, in their order.
func (l *Ledger) readDue(c *conn, places []address, found []candidate) ([]candidate, error) {
	args := make([]any, 0, 2*dueChunk)
	for _, p := range places {
		args = append(args, p.subjectID, p.key)
	}
	rows := 1
	if len(places) > 1 {
		rows = dueChunk
	}
	for len(args) < 2*rows { // one statement serves all sizes: nothing is found by NULL
		args = append(args, nil, nil)
	}
	read := make(map[address]candidate, len(places))
	err := c.query(func(r row) error {
		one, err := l.candidateOf(r)
		read[address{one.stored.subjectID, one.Key}] = one
		return err
	}, dueQuery(rows), args...)
	if err != nil {
		return found, err
	}
	for _, p := range places {
		if one, ok := read[p]; ok {
			found = append(found, one)
		}
	}
	return found, nil
}

// dueQuery reads rows notifications with the newest version of their subject, their
// patient's answer, whether that patient was sent anything about it before, and whether Consents of theirs are kept.
func dueQuery(rows int) string {
	if rows == 1 {
		return dueOne
	}
	return dueMany
}

var dueOne, dueMany = dueSQL(1), dueSQL(dueChunk)

// dueSQL counts who was told as stored.out does.
func dueSQL(rows int) string {
	return `WITH want (subject_id, key) AS (VALUES ` + strings.Repeat(", (CAST(? AS BIGINT), CAST(? AS TEXT))", rows)[2:] + `)
		SELECT ` + notificationColumns + `, ` + resourceColumns + `, r.ref, r.body, a.patient, a.action, a.occasion, a.was, a.at,
			CASE WHEN n.subject_id = 0 THEN 0 ELSE EXISTS (
				SELECT 1 FROM notification t WHERE t.subject_id = n.subject_id AND t.patient = n.patient AND (t.told_at <> 0 OR t.state IN (1, 2, 11))) END,
			EXISTS (SELECT 1 FROM consent k WHERE k.patient = n.patient)
		FROM want w
		JOIN notification n ON n.subject_id = w.subject_id AND n.key = w.key
		LEFT JOIN resource r ON r.id = n.subject_id
		LEFT JOIN answer a ON a.subject_id = n.subject_id AND a.patient = n.patient
		WHERE n.state = 0`
}

func (l *Ledger) candidateOf(r row) (c candidate, err error) {
	const subject, ref, body, answer, told = notificationWidth, notificationWidth + 8, notificationWidth + 9,
		notificationWidth + 10, notificationWidth + 15
	const consented = told + 1
	if c.stored, err = l.notificationOf(r, r.text(ref)); err != nil {
		return c, err
	}
	c.Notification = c.stored.Notification
	c.Consents = r.number(consented) != 0
	if r.number(told) != 0 {
		c.Known.Told = []string{c.Patient}
	}
	if !r[answer].null {
		c.Known.Answers = []pipeline.Answer{answerOf(r, answer, r.text(ref))}
	}
	if c.stored.subjectID == 0 {
		return c, nil
	}
	kept := resourceOf(r[subject:])
	c.rev = kept.rev
	c.DueNotification.Subject.Version = kept.version()
	c.DueNotification.Subject.Resource, err = l.seal.open("resource", r.text(ref), r.bytes(body))
	return c, err
}
