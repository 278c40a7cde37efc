package pipeline

import "time"

// Fallback is a channel that has words alone, as SMS, for numbers that are not on WhatsApp.
//
// A notification goes there only while the provider's word is fresh that the number is not on WhatsApp, and only if no attempt at it
// went out or may have: an unknown outcome never leads here. Answers to what came by SMS go there, too. What has something that
// must not go by SMS has no words there: Journeys.Compose skips it, and it is as if there were no fallback.
type Fallback struct {
	Channel Channel
	Name    string
	// For is how long such a word is fresh: as long as for GateReachable.
	For time.Duration

	halt pause
}

// plainly reports whether a notification goes by the fallback.
func (d *Dispatch) plainly(n DueNotification, known Sender, now time.Time) bool {
	switch {
	case d.Fallback == nil:
		return false
	case n.ReplyTo != "":
		return BySMS(n.ReplyTo)
	}
	return !n.Gone && !known.Absent.IsZero() && now.Sub(known.Absent) < d.Fallback.For
}

// elsewhere reports whether what was refused because the number is not on WhatsApp is to be planned again, for the fallback.
func (d *Dispatch) elsewhere(n DueNotification, a Attempt) bool {
	return d.Fallback != nil && a.Channel == d.ChannelName && n.ReplyTo == "" && !n.Gone
}

// route is the channel that an attempt goes by, and what makes it stand still.
type route struct {
	Channel
	name string
	halt *pause
}

func (d *Dispatch) route(plain bool) route {
	if plain {
		return route{d.Fallback.Channel, d.Fallback.Name, &d.Fallback.halt}
	}
	return route{d.Channel, d.ChannelName, &d.halt}
}

func (d *Dispatch) routeOf(a Attempt) route {
	return d.route(d.Fallback != nil && a.Channel == d.Fallback.Name)
}

// Halted has each channel by its name: whether it is stopped by a fault of our account or credentials.
func (d *Dispatch) Halted() map[string]bool {
	halted := map[string]bool{d.ChannelName: d.halt.doubtful()}
	if d.Fallback != nil {
		halted[d.Fallback.Name] = d.Fallback.halt.doubtful()
	}
	return halted
}
