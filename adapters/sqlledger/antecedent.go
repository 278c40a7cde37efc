package sqlledger

import (
	"slices"
	"time"

	"fhirbridge/pipeline"
)

// asking returns the newest of the recent messages that ask for an answer, of each journey, subject and patient, and
// whether all are about one subject and patient. What was begun after until, the patient cannot have read when they
// wrote. A list about nothing is answered by its rows, and what awaits words by those that come next (asked): neither
// makes it doubtful what later words are about. What may have told of others as well is among them in any case: newer
// news of its own subject say nothing of those.
func asking(recent []told, since, until time.Time) (list []told, how string) {
	how = howNone
	for _, m := range recent {
		if !m.asks || m.awaits || m.subjectID == 0 || m.begun.Before(since) || m.begun.After(until) {
			continue
		}
		same := func(o told) bool { return o.subjectID == m.subjectID && o.patient == m.patient }
		switch {
		case len(list) == 0:
			how = howOnly
		case !slices.ContainsFunc(list, same):
			how = howSeveral
		case !m.digest && slices.ContainsFunc(list, func(o told) bool { return same(o) && o.journey == m.journey }):
			continue
		}
		if list = append(list, m); len(list) == maxAntecedents {
			break
		}
	}
	return list, how
}

// antecedents returns what the messages told, with what is known of its subject: of each journey, subject and patient once.
func (l *Ledger) antecedents(t *tx, who caller, among []told) (list []pipeline.Antecedent, err error) {
	for _, m := range among {
		parts, err := l.parts(t.conn, who, m.row)
		if err != nil {
			return nil, err
		}
		for _, sent := range parts {
			n := sent.Notification
			if slices.ContainsFunc(list, func(o pipeline.Antecedent) bool {
				newer := o.Sent.Notification
				return newer.Journey == n.Journey && newer.Subject == n.Subject && newer.Patient == n.Patient
			}) {
				continue
			}
			c := pipeline.Antecedent{Sent: sent}
			if err := l.fill(t.conn, &c, t.now); err != nil {
				return nil, err
			}
			list = append(list, c)
		}
	}
	return list, nil
}

// parts returns what an attempt told the caller: its own notification, and each one that it said as well. What it showed
// of those is known by their versions alone.
func (l *Ledger) parts(c *conn, who caller, row int64) ([]pipeline.SentMessage, error) {
	a, ok, err := l.attemptByRow(c, row)
	if err != nil || !ok {
		return nil, err
	}
	sent, _, err := l.theirs(c, a, who, howOnly, 0)
	if err != nil || sent == nil {
		return nil, err
	}
	list := []pipeline.SentMessage{*sent}
	for _, covered := range a.Covers {
		kept, ok, err := head(c, covered.Subject)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		n, ok, err := l.find(c, kept.id, covered.Key)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		part := message(a, n)
		part.Attempt.SubjectVersion, part.Attempt.Shown = covered.SubjectVersion, ""
		list = append(list, part)
	}
	return list, nil
}

// apart reports whether a reply may be about something that the newest of its antecedents did not tell.
func apart(list []pipeline.Antecedent) bool {
	return slices.ContainsFunc(list, func(o pipeline.Antecedent) bool {
		first, other := list[0].Sent, o.Sent
		return other.Attempt.ID != first.Attempt.ID && (other.Notification.Subject != first.Notification.Subject || other.Notification.Patient != first.Notification.Patient)
	})
}
