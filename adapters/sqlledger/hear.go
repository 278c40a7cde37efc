package sqlledger

import (
	"cmp"
	"context"

	"fhirbridge/pipeline"
)

// Hear implements pipeline.Ledger. Notifications that answer the reply go to the number it
// came from, as it is dialled; where the provider gave none, to that of the message it answers.
func (l *Ledger) Hear(ctx context.Context, r pipeline.Reply, understand func(pipeline.Thread) (pipeline.Heard, error)) (bool, error) {
	if r.ID == "" {
		return false, &pipeline.Error{Op: "sqlledger.hear", Kind: pipeline.Malformed, Reason: "no_id"}
	}
	name := l.seal.tag(kindMessage, r.ID)
	var fresh bool
	var owed []owedWrite
	err := l.writer.do(ctx, func(t *tx) error {
		fresh, owed = false, nil
		_, repeated, err := t.one("SELECT heard_at FROM reply WHERE name = ?", name)
		if err != nil || repeated {
			return err
		}
		who, err := l.caller(t.conn, r)
		if err != nil {
			return err
		}
		doubt, err := l.suspects(t, r, &who)
		if err != nil {
			return err
		}
		thread, err := l.thread(t, r, who)
		if err != nil {
			return err
		}
		thread.Doubt = doubt
		heard, err := understand(thread)
		if err != nil {
			return err
		}
		thread = thread.About(heard.Outcome.Antecedent)
		if err := l.remember(t, name, r, thread, heard); err != nil {
			return err
		}
		owed = l.sealWrites(heard.Writes)
		err = l.heard(t, r, who, thread, heard, owed)
		fresh = err == nil
		return err
	})
	if err != nil {
		return false, err
	}
	l.owe(owed)
	return fresh, nil
}

// heard applies what a reply leads to.
func (l *Ledger) heard(t *tx, r pipeline.Reply, who caller, thread pipeline.Thread, h pipeline.Heard, owed []owedWrite) error {
	outdated, err := l.noteSender(t, r, who, thread.From, h.Outcome)
	if err != nil {
		return err
	}
	due, err := l.answer(t, thread, h.Outcome)
	if err != nil {
		return err
	}
	if err := l.guessed(t, r, h.Outcome.Guess); err != nil {
		return err
	}
	if err := l.tried(t, r.ID, h.Outcome.Try, who); err != nil {
		return err
	}
	if outdated {
		h.Outcome.Say = nil // it would say what is not so
	}
	for _, n := range h.Outcome.Say {
		n.ReplyTo = cmp.Or(n.ReplyTo, r.ID)
		if n.Address.Empty() {
			n.Address = cmp.Or(thread.From, pipeline.NewPrivate(r.UserID))
		}
		if err := l.say(t, n); err != nil {
			return err
		}
		due = min(due, micros(n.Due))
	}
	t.news(due)
	return insertWrites(t, owed)
}

// remember keeps the reply itself.
func (l *Ledger) remember(t *tx, name []byte, r pipeline.Reply, thread pipeline.Thread, h pipeline.Heard) error {
	media := []string{"", "", "", ""}
	if r.Media != nil {
		media = []string{r.Media.ID, r.Media.ContentType, r.Media.SHA256, r.Media.Filename.Reveal()}
	}
	attempt, subject := "", ""
	if thread.Sent != nil {
		attempt, subject = thread.Sent.Attempt.ID, thread.Sent.Notification.Subject
	}
	text := r.Text
	if !h.Outcome.Filed.Empty() {
		text = h.Outcome.Filed
	}
	words := append([]string{r.ID, r.From.Reveal(), r.UserID, text.Reveal(), r.Payload, r.Quotes}, media...)
	_, err := t.exec(`INSERT INTO reply (name, channel, kind, sent_at, received_at, heard_at, how, attempt, subject, patient, reading, handoff, secret)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		name, r.Channel, r.Kind, micros(r.At), micros(r.Received), micros(t.now), thread.How, attempt, subject, h.Patient,
		h.Outcome.Reading, h.Outcome.Handoff, l.seal.seal("reply", string(name), pack(words...)))
	return err
}

// answer keeps the decision and brings the plan of its subject to what remains wanted.
func (l *Ledger) answer(t *tx, thread pipeline.Thread, o pipeline.Outcome) (int64, error) {
	subject := ""
	if thread.Sent != nil {
		subject = thread.Sent.Notification.Subject
	}
	if o.Answer != nil {
		subject = cmp.Or(o.Answer.Subject, subject)
	}
	if subject == "" || o.Answer == nil && o.Plan == nil {
		return never, nil
	}
	id, err := subjectID(t, subject)
	if err != nil {
		return never, err
	}
	if o.Answer != nil {
		if err := keepAnswer(t, id, *o.Answer); err != nil {
			return never, err
		}
	}
	if o.Plan == nil {
		return never, nil
	}
	for _, n := range o.Plan.Wanted {
		if n.Subject != subject || n.Key == "" {
			return never, &pipeline.Error{Op: "sqlledger.hear", Kind: pipeline.Malformed, Reason: "foreign_plan"}
		}
	}
	list, err := l.ofSubject(t.conn, id, subject)
	if err != nil {
		return never, err
	}
	_, due, err := l.reconcile(t, id, list, *o.Plan, pipeline.ReasonAnswered)
	return due, err
}

// keepAnswer keeps a patient's decision in place of an older one.
func keepAnswer(t *tx, subjectID int64, a pipeline.Answer) error {
	_, err := t.exec(`INSERT INTO answer (subject_id, patient, action, occasion, was, at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (subject_id, patient) DO UPDATE SET action = excluded.action, occasion = excluded.occasion, was = excluded.was, at = excluded.at
		WHERE excluded.at >= answer.at`, subjectID, a.Patient, a.Action, a.Occasion, a.Was, micros(a.At))
	return err
}

// say plans a notification that answers a reply, once.
func (l *Ledger) say(t *tx, n pipeline.Notification) error {
	id, err := subjectID(t, n.Subject)
	if err != nil {
		return err
	}
	_, there, err := t.one("SELECT state FROM notification WHERE subject_id = ? AND key = ?", id, n.Key)
	if err != nil || there {
		return err
	}
	if err := l.insert(t, id, n); err != nil {
		return err
	}
	return concern(t, id, n.Patient)
}
