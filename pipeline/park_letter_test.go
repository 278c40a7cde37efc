package pipeline_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// plainDecoder reads a resource, or the first one of a Bundle unless the topic "plain" brings it;
// the topic "bundles" brings nothing else.
var plainDecoder = decoder(func(value []byte, s pipeline.Source) ([]pipeline.Event, error) {
	var b struct {
		ResourceType string
		Timestamp    time.Time
		Entry        []struct {
			Resource json.RawMessage
			Response struct{ Etag string }
		}
	}
	if err := json.Unmarshal(value, &b); err != nil {
		return nil, err
	}
	bundle := b.ResourceType == "Bundle"
	if bundle && s.Topic == "plain" || !bundle && s.Topic == "bundles" {
		return nil, broken("wrong_shape")
	}
	var said string
	if bundle {
		value = b.Entry[0].Resource
		_, _ = fmt.Sscanf(b.Entry[0].Response.Etag, `W/"%1s"`, &said)
	}
	h, err := fhir.Peek(value)
	ev := pipeline.Event{Type: h.Type, ID: h.ID, Version: h.Version, LastUpdated: h.LastUpdated, Resource: value, Source: s}
	if ev.Version == "" {
		ev.Version = said
	}
	if ev.LastUpdated.IsZero() {
		ev.LastUpdated = b.Timestamp
	}
	return []pipeline.Event{ev}, err
})

// TestLetterOfAParkedEvent shows what is written of an event whose patient never came.
func TestLetterOfAParkedEvent(t *testing.T) {
	const (
		meta    = `"meta":{"versionId":"3","lastUpdated":"2000-01-01T08:00:00Z"},`
		place   = `{"resourceType":"Location","id":"l1"}`
		doctor  = `{"resourceType":"Practitioner","id":"d1"}`
		urn     = "urn:uuid:6f1c4f0a-0000-4000-8000-000000000001"
		match   = `,"search":{"mode":"match"}}`
		include = `,"search":{"mode":"include"}}`
		found   = `{"resourceType":"Bundle","type":"searchset","timestamp":"2000-01-01T08:00:00Z","entry":[{"resource":`
	)
	resource := func(meta string) string {
		return `{"resourceType":"Appointment","id":"a1",` + meta + `"status":"booked","start":"2000-02-01T10:00:00Z","end":"2000-02-01T10:30:00Z","participant":[` +
			`{"actor":{"reference":"Patient/p1"},"status":"accepted"},{"actor":{"reference":"Location/l1"},"status":"accepted"},{"actor":{"reference":"` + urn + `"},"status":"accepted"}]}`
	}
	updated := at("2000-01-01T08:00:00Z")
	along := map[string]json.RawMessage{"Location/l1": json.RawMessage(place), urn: json.RawMessage(doctor), "Location/other": json.RawMessage(place)}
	cases := []struct {
		name  string
		topic string
		event pipeline.Event
		want  string
	}{
		{"all that was said is in the resource", "", pipeline.Event{Version: "3", LastUpdated: updated, Resource: json.RawMessage(" " + resource(meta))}, " " + resource(meta)},
		{"with what came along and is referred to", "", pipeline.Event{Version: "3", LastUpdated: updated, Resource: json.RawMessage(resource(meta)), Context: along},
			found + resource(meta) + match + `,{"resource":` + place + include + `,{"fullUrl":"` + urn + `","resource":` + doctor + include + `]}`},
		{"the envelope told the version", "", pipeline.Event{Version: "3", LastUpdated: updated, Resource: json.RawMessage(resource(""))},
			found + resource("") + match[:len(match)-1] + `,"response":{"status":"200","etag":"W/\"3\""}}]}`},
		{"nobody told a time: the record's", "", pipeline.Event{Resource: json.RawMessage(resource("")), Source: pipeline.Source{Time: updated}}, found + resource("") + match + `]}`},
		{"nobody told any time", "", pipeline.Event{Resource: json.RawMessage(resource(""))}, resource("")},
		{"nobody told a time, where no Bundle is taken", "plain", pipeline.Event{Resource: json.RawMessage(resource("")), Source: pipeline.Source{Time: updated}}, resource("")},
		{"where only Bundles are taken", "bundles", pipeline.Event{Version: "3", LastUpdated: updated, Resource: json.RawMessage(resource(meta))}, found + resource(meta) + match + `]}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ev := c.event
				ev.Type, ev.ID, ev.Source.Topic, ev.Source.Key = "Appointment", "a1", c.topic, pipeline.NewPrivate("Patient/p1")
				k := newLot(pipeline.ParkedEvent{Event: ev, Tries: 9, Since: time.Now().Add(-13 * time.Hour)})
				in, lane := parking(t, k, &[]string{})
				letters := make(chan published, 2)
				in.DeadLetters.Explain = explain
				in.DeadLetters.Publisher = publisher(func(p published) error { letters <- p; return nil })
				stop := start(lane.Run)
				got := <-letters
				stop()
				same(t, "value", string(got.value), c.want)
				same(t, "key, and no other fault than that", []string{got.key, got.headers[pipeline.HeaderFaults]}, []string{"Patient/p1", "no_patient Appointment.participant.actor"})
				same(t, "others", len(letters), 0)
			})
		})
	}
}

// TestLetterOfWhatCannotBeRead: it is as it came, and says why.
func TestLetterOfWhatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newLot(parkedVisit("a1", "p1", 7))
		k.list[0].Event.Resource = json.RawMessage(`{"resourceType":"Appointment","id":"a1","status":7}`)
		in, lane := parking(t, k, &[]string{})
		in.Decoder = decoder(func([]byte, pipeline.Source) ([]pipeline.Event, error) { return nil, errors.New(words) })
		letters := make(chan published, 2)
		in.DeadLetters.Publisher = publisher(func(p published) error { letters <- p; return nil })
		stop := start(lane.Run)
		got := <-letters
		stop()
		same(t, "value and fault", []string{string(got.value), got.headers[pipeline.HeaderFaults]}, []string{`{"resourceType":"Appointment","id":"a1","status":7}`, "wrong_type Appointment.status"})
	})
}
