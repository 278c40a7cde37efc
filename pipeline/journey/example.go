package journey

import (
	"encoding/json"
	"maps"
	"time"

	"fhirbridge/fhir"
)

// example is a test inside a journey: what happens, and what comes of it.
type example struct {
	name     string
	given    string
	language string
	// booked are the elements of the appointment to which the visit goes back, nil for none.
	booked map[string]any
	born   string
	// beside are the starts of other visits of the patient, which are booked already.
	beside   []string
	timeline []moment
	// maps are the pictures of places, as Settings.Maps.
	maps map[string]string
	at   value
}

// moment is one line of a timeline: the time goes on to at, then something
// happens, or nothing. What was sent since the moment before must be what it says.
type moment struct {
	at time.Time
	// event is a version of the subject; nil for none.
	event   map[string]any
	deleted bool
	// tap is the answer of a button, of the step of the message under which it is ("" for the last
	// one that has it); says is what the patient writes.
	tap, of, says string
	// row is which row of a list is tapped, from 1; 0 for a button.
	row int
	// free are the times that are free from now on, if free is said at all: then there are services to be booked.
	free []time.Time

	reads, decides, hands string
	// files is what is filed as the words of a reply, "" for the words themselves.
	files string
	// ehr is what becomes of a decision that the EHR may take: done, which it is if nothing is said, or asked.
	ehr   string
	stops string
	sends []expected
	place value
}

// expected is a message that an example wants.
type expected struct {
	step  string
	at    time.Time // zero if any
	words string
	place value
}

// exampleSettings are the facility of all examples, so that they hold whatever the configured one is.
var exampleSettings = Settings{
	Facility: "Harbour Hospital", Language: "en", Country: "DE", Phone: "+15550100100", Portal: "https://portal.example.org",
	Documents: Documents{Results: true, Tries: 3, Daily: 6}, Emergency: "112",
	Hours: []Opening{{Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}, From: 7 * 60, To: 19 * 60}},
}

// exampleNumber is that of the patient of all examples.
const exampleNumber = "+15550100123"

// exampleZone is where the facility of all examples is.
const exampleZone = "Europe/Berlin"

const clockLayout = "2006-01-02 15:04"

func (l *loader) example(v value, j *journey) example {
	o := v.object("example", "patient", "booked", "beside", "maps", "timeline")
	e := example{name: o.need("example").text(), at: v}
	if p := o.need("patient"); p.exists() {
		patient := p.object("given", "language", "born")
		e.given, e.language, e.born = patient.get("given").text(), patient.get("language").text(), patient.get("born").text()
	}
	if b := o.get("booked"); b.exists() {
		e.readBooking(b, j)
	}
	e.readBeside(o.get("beside"), j)
	e.readMaps(o.get("maps"))
	for _, item := range o.need("timeline").list() {
		e.timeline = append(e.timeline, readMoment(item, j))
	}
	return e
}

func readMoment(v value, j *journey) moment {
	o := v.object("at", "event", "tap", "row", "of", "free", "says", "reads", "decides", "hands", "ehr", "stops", "files", "sends")
	m := moment{place: v}
	if at := o.need("at"); at.exists() {
		m.at = clock(at)
	}
	if e := o.get("event"); e.exists() {
		m.readEvent(e, j)
	}
	m.tap, m.says = o.get("tap").text(), o.get("says").text()
	if m.tap != "" && m.says != "" {
		v.problem("can have tap or says, not both")
	}
	if tap := o.get("tap"); tap.exists() && j.answers[m.tap] == nil {
		tap.problem(unknown("answer", m.tap, sortedKeys(j.answers)))
	}
	m.readChoice(o)
	if of := o.get("of"); of.exists() {
		if m.of = of.text(); j.byStep[m.of] == nil {
			of.problem(unknown("step", m.of, sortedKeys(j.byStep)))
		}
	}
	m.reads, m.decides, m.hands, m.stops = o.get("reads").text(), o.get("decides").text(), o.get("hands").text(), o.get("stops").text()
	m.files = o.get("files").text()
	if v := o.get("ehr"); v.exists() {
		m.ehr = v.oneOf("outcome", cameDone, cameAsked)
	}
	for _, item := range o.get("sends").list() {
		s := item.object("step", "at", "words")
		x := expected{step: s.need("step").text(), words: s.get("words").text(), place: item}
		if at := s.get("at"); at.exists() {
			x.at = clock(at)
		}
		m.sends = append(m.sends, x)
	}
	return m
}

func (m *moment) readEvent(e value, j *journey) {
	if j.on == typeMessage {
		e.problem("a journey on message has no events")
		return
	}
	event, ok := e.plain().(map[string]any)
	m.deleted = !ok && e.text() == "deleted"
	if !ok && !m.deleted {
		e.problem(`must be elements of the resource, or "deleted"`)
		return
	}
	m.event = event
}

// clock reads a moment in the zone of the examples' facility.
func clock(v value) time.Time {
	zone, err := time.LoadLocation(exampleZone)
	if err != nil {
		zone = time.UTC
	}
	t, err := time.ParseInLocation(clockLayout, v.text(), zone)
	if err != nil {
		v.problem(`must be like "2027-03-01 09:00"`)
	}
	return t
}

// resource makes the version of the subject that a moment brings: what it says,
// and what a resource needs besides.
func (m *moment) resource(on, version string) ([]byte, error) {
	r := map[string]any{"resourceType": on, "id": "1"}
	patient := map[string]any{"reference": "Patient/1"}
	switch on {
	case typeAppointment:
		r["participant"] = []any{
			map[string]any{"actor": patient, "status": "needs-action"},
			map[string]any{"actor": map[string]any{"reference": "Location/1"}, "status": "accepted"},
		}
		if begin, ok := m.event["start"].(string); ok {
			if t, err := time.Parse(time.RFC3339, begin); err == nil {
				r["end"] = t.Add(30 * time.Minute).Format(time.RFC3339)
			}
		}
	case typeReport:
		r["code"], r["subject"] = map[string]any{"text": "Report"}, patient
	case typeRequest:
		r["subject"], r["recipient"] = patient, []any{patient}
	case typeEncounter:
		r["class"] = map[string]any{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
		r["subject"], r["location"] = patient, []any{map[string]any{"location": map[string]any{"reference": "Location/1"}}}
		r["appointment"] = []any{map[string]any{"reference": "Appointment/1"}}
	}
	maps.Copy(r, m.event)
	meta, _ := r["meta"].(map[string]any)
	meta = maps.Clone(meta)
	if meta == nil {
		meta = make(map[string]any)
	}
	meta["versionId"] = version
	r["meta"] = meta
	return json.Marshal(r)
}

// directory is the patient and the place of an example.
func (e *example) directory() (map[string]fhir.Resource, error) {
	patient := map[string]any{
		"resourceType": "Patient", "id": "1", "name": []any{map[string]any{"given": []string{e.given}}},
		"telecom": []any{map[string]any{"system": "phone", "use": "mobile", "value": exampleNumber}},
		"communication": []any{map[string]any{"language": map[string]any{
			"coding": []any{map[string]any{"system": "urn:ietf:bcp:47", "code": e.language}},
		}}},
	}
	if e.born != "" {
		patient["birthDate"] = e.born
	}
	raw := []any{
		patient,
		map[string]any{"resourceType": "Location", "id": "1", "name": "House 2"},
	}
	if e.booked != nil {
		raw = append(raw, e.booking())
	}
	raw = append(raw, e.visitsBeside()...)
	known := make(map[string]fhir.Resource, len(raw))
	for _, r := range raw {
		encoded, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		decoded, err := fhir.Decode(encoded)
		if err != nil {
			return nil, err
		}
		known[decoded.Header().Ref()] = decoded
	}
	return known, nil
}
