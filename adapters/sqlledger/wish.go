package sqlledger

import (
	"encoding/json"

	"fhirbridge/pipeline"
)

// sealedWish is a wish as it is kept, inside what is sealed.
type sealedWish struct {
	pipeline.Wish
	Offer, Taken, Done, Asked []sealedNotification
	Decision                  string
}

// packWish returns "" for no wish.
func packWish(w *pipeline.Wish) string {
	if w == nil {
		return ""
	}
	text, _ := json.Marshal(sealedWish{ // texts, numbers and times
		*w, packNotifications(w.Offer), packNotifications(w.Taken), packNotifications(w.Done), packNotifications(w.Asked), packDecision(w.Decision),
	})
	return string(text)
}

func unpackWish(text string) (*pipeline.Wish, error) {
	if text == "" {
		return nil, nil
	}
	var s sealedWish
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return nil, unreadable
	}
	w := s.Wish
	w.Offer, w.Taken, w.Done, w.Asked = unpackNotifications(s.Offer), unpackNotifications(s.Taken), unpackNotifications(s.Done), unpackNotifications(s.Asked)
	var err error
	w.Decision, err = unpackDecision(s.Decision)
	return &w, err
}

func packOffers(list []pipeline.Slot) string {
	text, _ := json.Marshal(list) // texts and times
	return string(text)
}

func unpackOffers(text string) (list []pipeline.Slot, err error) {
	if text != "" && json.Unmarshal([]byte(text), &list) != nil {
		return nil, unreadable
	}
	return list, nil
}

// outcome plans what is said of a write. What was planned under its key for the case that nothing is heard of it gives way. If
// that has begun, what has come of it is said too, once, unless it is the same.
func (l *Ledger) outcome(t *tx, n pipeline.Notification) error {
	id, err := subjectID(t, n.Subject)
	if err != nil {
		return err
	}
	known, there, err := t.one("SELECT state, step FROM notification WHERE subject_id = ? AND key = ?", id, n.Key)
	if err != nil || there && known.text(1) == n.Step && known.number(0) != planned {
		return err
	}
	if !there || known.number(0) != planned {
		if there {
			n.Key = pipeline.NotificationKey(n.Journey, n.Step, n.Subject, n.Key, n.Recipient)
		}
		return l.say(t, n)
	}
	_, err = t.exec(`UPDATE notification SET step = ?, due_at = ?, expires_at = ?, secret = ? WHERE subject_id = ? AND key = ? AND state = 0`,
		n.Step, micros(n.Due), micros(n.Expires), l.sealNotification(n), id, n.Key)
	return err
}
