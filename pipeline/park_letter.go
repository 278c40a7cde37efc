package pipeline

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// letter returns the record that brings a parked event once more, with the same effect, when it
// is put on the event's topic again: the resource alone where that says all, as most feeds have
// it; else a Bundle. Where the topic takes no Bundle it is the resource all the same.
func (p *Parking) letter(ev Event) []byte {
	if len(ev.Context) == 0 && p.reads(ev.Resource, ev) {
		return ev.Resource
	}
	if b := p.bundled(ev); b != nil && p.reads(b, ev) {
		return b
	}
	return ev.Resource
}

// reads reports whether the topic's decoder takes value for the event.
func (p *Parking) reads(value []byte, ev Event) bool {
	got, err := p.Intake.Decoder.Decode(value, nil, ev.Source)
	return err == nil && len(got) == 1 && got[0].Ref() == ev.Ref() && got[0].Version == ev.Version && got[0].LastUpdated.Equal(updated(ev))
}

// updated is when the version came to be. Of a feed that does not say so it is the record's
// time: else a record that is put on the topic again would be news.
func updated(ev Event) time.Time {
	if ev.LastUpdated.IsZero() {
		return ev.Source.Time
	}
	return ev.LastUpdated
}

// searchset is a Bundle that tells what is meant from what came along: in a collection, all of
// it would be an event. https://hl7.org/fhir/R4/bundle.html#searchset
type searchset struct {
	ResourceType string      `json:"resourceType"`
	Type         string      `json:"type"`
	Timestamp    time.Time   `json:"timestamp,omitzero"`
	Entry        []foundItem `json:"entry"`
}

type foundItem struct {
	FullURL  string          `json:"fullUrl,omitempty"`
	Resource json.RawMessage `json:"resource"`
	Search   struct {
		Mode string `json:"mode"`
	} `json:"search"`
	Response *answered `json:"response,omitempty"`
}

// answered carries a version that the envelope knew and the resource does not tell.
type answered struct {
	Status string `json:"status"`
	Etag   string `json:"etag"`
}

// bundled is the event with what it refers to of what came along; nil if it cannot be read.
func (p *Parking) bundled(ev Event) []byte {
	current, along, err := p.Intake.read(ev)
	if err != nil || current == nil {
		return nil
	}
	subject := foundItem{Resource: ev.Resource}
	subject.Search.Mode = "match"
	if current.Header().Version != ev.Version {
		subject.Response = &answered{Status: "200", Etag: `W/"` + ev.Version + `"`}
	}
	b := searchset{ResourceType: "Bundle", Type: "searchset", Timestamp: updated(ev), Entry: []foundItem{subject}}
	for _, name := range slices.Sorted(maps.Keys(along)) {
		other := foundItem{Resource: along[name].Raw()}
		other.Search.Mode = "include"
		if name != along[name].Header().Ref() {
			other.FullURL = name
		}
		b.Entry = append(b.Entry, other)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if e.Encode(b) != nil {
		return nil
	}
	return bytes.TrimSpace(out.Bytes())
}
