package pipeline

import (
	"context"
	"time"
)

// stopped reports whether who gets a message wants none, and when their word was. Who has several numbers in the record has said STOP or START by any of
// them: the newest word counts, and of the same second STOP. What was said by another one that is in doubt since may be somebody else's. An answer goes to the number that asked.
func (d *Dispatch) stopped(ctx context.Context, n Notification, f Facts, to Private, known Sender) (word time.Time, stopped bool, err error) {
	if n.ReplyTo != "" || f.Patient == nil {
		return known.Word, known.Stopped, nil
	}
	all, saved := f.Patient.Phones, f.Patient.Header().LastUpdated
	if f.Proxy != nil {
		all, saved = f.Proxy.Phones, f.Proxy.Header().LastUpdated
	}
	word, stopped = known.Word, known.Stopped
	for _, number := range all(f.Now, d.Country) {
		other := NewPrivate(number)
		if other.Equal(to) {
			continue
		}
		s, err := d.Ledger.Sender(ctx, other)
		if err != nil {
			return word, false, err
		}
		if doubted := !s.Unverified.IsZero() && !saved.After(s.Unverified.Add(time.Second)); doubted && !s.Word.Before(s.Unverified) {
			continue
		}
		if s.Word.After(word) || s.Word.Equal(word) && !s.Word.IsZero() && s.Stopped {
			word, stopped = s.Word, s.Stopped
		}
	}
	return word, stopped, nil
}
