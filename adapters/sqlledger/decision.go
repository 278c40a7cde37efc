package sqlledger

import (
	"encoding/json"

	"fhirbridge/pipeline"
)

// sealedDecision is a decision as it is kept, inside what is sealed: with what a Private does not
// show of itself.
type sealedDecision struct {
	pipeline.Decision
	Done, Asked []sealedNotification
}

type sealedNotification struct {
	pipeline.Notification
	Address, Facts string
}

// packDecision returns "" for no decision.
func packDecision(d *pipeline.Decision) string {
	if d == nil {
		return ""
	}
	text, _ := json.Marshal(sealedDecision{*d, packNotifications(d.Done), packNotifications(d.Asked)}) // texts, numbers and times
	return string(text)
}

func unpackDecision(text string) (*pipeline.Decision, error) {
	if text == "" {
		return nil, nil
	}
	var s sealedDecision
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return nil, unreadable
	}
	d := s.Decision
	d.Done, d.Asked = unpackNotifications(s.Done), unpackNotifications(s.Asked)
	return &d, nil
}

func packNotifications(list []pipeline.Notification) []sealedNotification {
	var packed []sealedNotification
	for _, n := range list {
		packed = append(packed, sealedNotification{n, n.Address.Reveal(), n.Facts.Reveal()})
	}
	return packed
}

func unpackNotifications(packed []sealedNotification) []pipeline.Notification {
	var list []pipeline.Notification
	for _, p := range packed {
		n := p.Notification
		n.Address, n.Facts = pipeline.NewPrivate(p.Address), pipeline.NewPrivate(p.Facts)
		list = append(list, n)
	}
	return list
}
