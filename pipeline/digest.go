package pipeline

import (
	"context"
	"time"

	"fhirbridge/fhir"
)

// Covered is a notification that an attempt for another one says as well.
type Covered struct {
	Key, Step string
	// Subject is what it is about, and SubjectVersion the version that the words were made from.
	Subject, SubjectVersion string
}

// Companion is a notification that another one's message is to say as well.
type Companion struct {
	Notification Notification
	Facts        Facts
}

const (
	// digestSpan is how far apart notifications may be due that one message says: the earliest is not late for the
	// others, they are early.
	digestSpan = 10 * time.Minute
	// digestMost is how many one message says at most, and digestSeen how many are looked at for it.
	digestMost = 3
	digestSeen = 8
)

// Words puts a notification into words; together with others of its step to the same patient where there are any, and the
// journey has words for that. Each of them must be such as would be sent now by itself: whom a gate objects to, or who
// would get it elsewhere or in another language, is left alone. It changes nothing; a simulation shows what it returns.
func (d *Dispatch) Words(ctx context.Context, n DueNotification, f Facts, to Private, attempt string) (Composed, []Covered, error) {
	own, err := d.word(n.Notification, f, attempt)
	if err != nil || own.Skip != ReasonNone || !n.Digest || n.Alone || n.ReplyTo != "" || f.Plain {
		return own, nil, err
	}
	with, covers, err := d.companions(ctx, n, f, to, own, attempt)
	if err != nil {
		return Composed{}, nil, err
	}
	for ; len(with) > 0; with = with[:len(with)-1] {
		f.With = with
		all, err := d.word(n.Notification, f, attempt)
		if err != nil {
			return Composed{}, nil, err
		}
		if all.Skip != ReasonNone {
			continue // there are no words for so many
		}
		fit, err := d.fits(ctx, n, all)
		if err != nil {
			return Composed{}, nil, err
		}
		if fit {
			return all, covers[:len(with)], nil
		}
	}
	return own, nil, nil
}

func (d *Dispatch) word(n Notification, f Facts, attempt string) (c Composed, err error) {
	err = pure("dispatch.compose", func() (err error) {
		c, err = d.Journeys.Compose(n, f, attempt)
		return err
	})
	return c, err
}

// companions finds what else may be said now to the patient of n by the same message.
func (d *Dispatch) companions(ctx context.Context, n DueNotification, f Facts, to Private, own Composed, attempt string) (with []Companion, covers []Covered, err error) {
	list, err := d.Ledger.Companions(ctx, n.Notification, f.Now.Add(digestSpan), digestSeen)
	if err != nil {
		return nil, nil, err
	}
	for _, other := range list {
		if len(with) == digestMost-1 {
			break
		}
		facts, at, no, err := d.Admit(ctx, other)
		if err != nil && KindOf(err) != Malformed {
			return nil, nil, err
		}
		if err != nil || no != (Verdict{}) || !at.Equal(to) || facts.Recipient(other.Notification) != f.Recipient(n.Notification) {
			continue
		}
		alone, err := d.word(other.Notification, facts, attempt)
		if err != nil || alone.Skip != ReasonNone || alone.Message.Language != own.Message.Language {
			continue // it is settled when it is its own turn
		}
		with = append(with, Companion{Notification: other.Notification, Facts: facts})
		covers = append(covers, Covered{
			Key: other.Key, Step: other.Step, Subject: other.Notification.Subject, SubjectVersion: other.Subject.Version,
		})
	}
	return with, covers, nil
}

// fits asks the gates about the message that says it all, which is of a template of its own.
func (d *Dispatch) fits(ctx context.Context, n DueNotification, all Composed) (bool, error) {
	_, c, no, err := d.candidate(ctx, n)
	if err != nil || no != (Verdict{}) {
		return false, err
	}
	c.Template = func() (name, language string, err error) {
		if all.Message.Template != nil {
			name = all.Message.Template.Name
		}
		return name, all.Message.Language, nil
	}
	no, err = d.ask(ctx, c)
	return no == (Verdict{}), err
}

// merged tells of what an attempt says besides.
func (d *Dispatch) merged(a Attempt) {
	for _, c := range a.Covers {
		d.Log.Info("said by another message", "notification", c.Key, "by", a.Notification)
	}
}

// aboutCovered are what a message is about besides.
func aboutCovered(list []Covered) (refs []fhir.Reference) {
	for _, c := range list {
		refs = append(refs, focus(c.Subject))
	}
	return refs
}
