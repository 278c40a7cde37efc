package sqlledger

import (
	"context"

	"fhirbridge/pipeline"
)

// subjectState is what the ledger has of a subject.
type subjectState struct {
	// list are all its notifications.
	list    []stored
	answers []pipeline.Answer
}

// known is what callbacks and journeys are told of it.
func (s subjectState) known() pipeline.Known {
	k := pipeline.Known{Answers: s.answers}
	for i := range s.list {
		n := &s.list[i]
		if n.out() && !k.ToldOf(n.Patient) {
			k.Told = append(k.Told, n.Patient)
		}
		if n.inPlan() {
			k.Open = append(k.Open, n.Notification)
		} else if n.State == pipeline.Planned {
			k.Replying = append(k.Replying, n.Notification)
		} else if n.ReplyTo == "" && n.out() {
			k.Said = append(k.Said, pipeline.Said{Journey: n.Journey, Step: n.Step, Patient: n.Patient, Occasion: n.Occasion})
		}
	}
	return k
}

// out reports whether it has gone out, or may have.
func (n *stored) out() bool {
	switch numberOf(n.State) {
	case sending, unknown, accepted, sent, delivered, read, held:
		return true
	}
	return n.toldAt != 0
}

func (l *Ledger) subject(c *conn, id int64, ref string) (s subjectState, err error) {
	if id == 0 {
		return s, nil
	}
	if s.list, err = l.ofSubject(c, id, ref); err != nil {
		return s, err
	}
	err = c.query(func(r row) error {
		s.answers = append(s.answers, answerOf(r, 0, ref))
		return nil
	}, "SELECT patient, action, occasion, was, at FROM answer WHERE subject_id = ? ORDER BY patient", id)
	return s, err
}

// answerOf reads an answer that begins at column i.
func answerOf(r row, i int, subject string) pipeline.Answer {
	return pipeline.Answer{Subject: subject, Patient: r.text(i), Action: r.text(i + 1), Occasion: r.text(i + 2), Was: r.text(i + 3), At: r.at(i + 4)}
}

// KnownOf implements pipeline.Ledger.
func (l *Ledger) KnownOf(ctx context.Context, ref string) (known pipeline.Known, err error) {
	err = l.view(ctx, func(c *conn) error {
		kept, ok, err := head(c, ref)
		if err != nil || !ok {
			return err
		}
		s, err := l.subject(c, kept.id, ref)
		known = s.known()
		return err
	})
	return known, err
}
