package journey

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Example is an example of a journey for those who play it through more than the journeys.
type Example struct {
	// File is that of the journey; Journey and On are its name and what it is on.
	File, Journey, On string
	Name              string
	// Booking is set if free times are offered in it, of which a FHIR server would have to know.
	Booking bool
	// Maps are the pictures of places, by reference or identifier, of which the configuration would have to know.
	Maps map[string]string
	// Known are the people and places among whom it happens.
	Known    []json.RawMessage
	Timeline []Moment
}

// Moment is one line of an Example. Of what happens and what comes of it, that is empty of which nothing is said.
type Moment struct {
	At time.Time
	// Resource is the version of the subject that comes; Deleted is set when it goes.
	Resource json.RawMessage
	Deleted  bool
	// Tap is the answer of a button, of the message of a step; Says is what the patient writes.
	Tap, Of, Says string
	// Reads is how a reply is read, Decides the participant status, Hands the codes of Tasks, EHR "done" or "asked",
	// Stops "true" or "false".
	Reads, Decides, Hands, EHR, Stops string
	// Sends are the messages since the moment before.
	Sends []Saying
}

// Saying is a message that an example wants.
type Saying struct {
	Step string
	// At is zero if any time will do.
	At time.Time
	// Words are a part of what it says.
	Words string
}

// Examples returns the examples of every journey.
func (b *Book) Examples() ([]Example, error) {
	var all []Example
	for _, name := range sortedKeys(b.journeys) {
		j := b.journeys[name]
		for i := range j.examples {
			shown, err := j.examples[i].shown(j)
			if err != nil {
				return nil, fmt.Errorf("%s: example %q: %w", name, j.examples[i].name, err)
			}
			all = append(all, shown)
		}
	}
	return all, nil
}

func (e *example) shown(j *journey) (Example, error) {
	x := Example{File: e.at.source.name, Journey: j.name, On: j.on, Name: e.name, Booking: e.books(), Maps: e.maps}
	known, err := e.directory()
	if err != nil {
		return x, err
	}
	for _, ref := range sortedKeys(known) {
		x.Known = append(x.Known, known[ref].Raw())
	}
	for i := range e.timeline {
		m := &e.timeline[i]
		shown := Moment{
			At: m.at, Deleted: m.deleted, Tap: m.tap, Of: m.of, Says: m.says,
			Reads: m.reads, Decides: m.decides, Hands: m.hands, EHR: m.ehr, Stops: m.stops,
		}
		if m.event != nil {
			if shown.Resource, err = m.resource(j.on, strconv.Itoa(i+1)); err != nil {
				return x, err
			}
		}
		for _, s := range m.sends {
			shown.Sends = append(shown.Sends, Saying{Step: s.step, At: s.at, Words: s.words})
		}
		x.Timeline = append(x.Timeline, shown)
	}
	return x, nil
}
