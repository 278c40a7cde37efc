package pipeline

import (
	"context"
	"time"
)

// stopped reports whether who gets a message wants none, and when their word was. Who has several numbers in the record has said STOP or START by any of
// them: the newest word counts, and of the same second STOP. An answer goes to the number that asked.
func (d *Dispatch) stopped(ctx context.Context, n Notification, f Facts, to Private, known Sender) (word time.Time, stopped bool, err error) {
	if n.ReplyTo != "" || f.Patient == nil {
		return known.Word, known.Stopped, nil
	}
	all := f.Patient.Phones
	if f.Proxy != nil {
		all = f.Proxy.Phones
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
		if s.Word.After(word) || s.Word.Equal(word) && !s.Word.IsZero() && s.Stopped {
			word, stopped = s.Word, s.Stopped
		}
	}
	return word, stopped, nil
}
