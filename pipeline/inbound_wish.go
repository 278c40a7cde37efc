package pipeline

import (
	"slices"
	"time"
)

// overdue is how long after people were to take over a patient is told that they do, if nothing else was said by then.
const overdue = 5 * time.Second

// wish returns the writes of what a patient wants of the free times. What the server has not answered in time, the patient is
// told that people will: that is planned now, and what comes of the wish takes its place.
func (in *Inbound) wish(r Reply, o *Outcome, address func([]Notification)) []Write {
	w := *o.Wish
	w.Reply, w.At = r.ID, r.At
	if w.Decision != nil {
		decision := *w.Decision
		decision.Reply, decision.At = r.ID, r.At
		w.Decision = &decision
	}
	w.each(address)
	for _, list := range [][]Notification{w.Offer, w.Taken} { // to choose from; of the others people know
		for i := range list {
			list[i].Sole = true
		}
	}
	asked := slices.Clone(w.Asked)
	if !in.Filing.toServer() { // nobody can look: people do
		o.Handoff = w.Code
		o.Say = append(o.Say, asked...)
		if w.Decision == nil {
			return nil
		}
		return in.Filing.Decision(*w.Decision)
	}
	for i := range asked {
		asked[i].Due = w.Until.Add(overdue)
	}
	o.Say = append(o.Say, asked...)
	return in.Filing.Wish(w)
}
