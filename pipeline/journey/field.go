package journey

import (
	"cmp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// class is what kind of data a field shows. A template declares the classes that it may show.
type class string

const (
	className     class = "name"     // what the patient is called
	classSchedule class = "schedule" // when a visit is
	classPlace    class = "place"    // where a visit is; it may disclose what it is for
	classPerson   class = "person"   // who gives care; it may disclose what for
	classFacility class = "facility" // the configured facility
	// classInstruction is what the patient is to do before the visit; it may disclose what it is for.
	classInstruction class = "instruction"
)

var classes = []string{
	string(className), string(classSchedule), string(classPlace), string(classPerson), string(classFacility), string(classInstruction),
}

// field is something that words can be made from. There is none for a finding,
// a diagnosis or a service, so that no template can show one.
type field struct {
	class class
	// of is the type of resource that has it; "" for what is known of every patient.
	of string
	// room is how many characters of it a message shows; maxParameter for one that an engineer defines.
	room int
	read func(*writer) string
}

// How many characters of a fact a message shows. What is longer is cut, or left out where the end may be
// what matters, so that the whole stays within Meta's limit.
const (
	maxParameter   = 120
	maxMoment      = 60  // a date or a clock time
	maxWay         = 240 // how to find the place inside the building
	maxInstruction = 400 // what to do before the visit
)

const (
	typeAppointment = "Appointment"
	typeReport      = "DiagnosticReport"
	typeEncounter   = "Encounter"
	// typeMessage is what a journey is on that starts with a patient's own message.
	typeMessage = "message"
	// typeSlot is what has the fields of a free time that was chosen; they are shown in answer to that only.
	typeSlot = "Slot"
)

var fields = map[string]field{
	"patient.given":   {className, "", maxParameter, func(w *writer) string { return w.name().Informal() }},
	"patient.name":    {className, "", maxParameter, func(w *writer) string { return w.name().Text }},
	"recipient.given": {className, "", maxParameter, func(w *writer) string { return w.recipient().Informal() }},
	"recipient.name":  {className, "", maxParameter, func(w *writer) string { return w.recipient().Text }},
	"start.date":      {classSchedule, typeVisit, maxMoment, func(w *writer) string { return w.local(w.begin(), w.calendar.date) }},
	"start.time":      {classSchedule, typeVisit, maxMoment, func(w *writer) string { return w.local(w.begin(), w.calendar.clock) }},
	"before.date":     {classSchedule, typeAppointment, maxMoment, func(w *writer) string { return w.local(w.before, w.calendar.date) }},
	"before.time":     {classSchedule, typeAppointment, maxMoment, func(w *writer) string { return w.local(w.before, w.calendar.clock) }},
	"slot.date":       {classSchedule, typeSlot, maxMoment, func(w *writer) string { return w.slotMoment(w.calendar.date) }},
	"slot.time":       {classSchedule, typeSlot, maxMoment, func(w *writer) string { return w.slotMoment(w.calendar.clock) }},
	"instruction":     {classInstruction, typeAppointment, maxInstruction, (*writer).instruction},
	"place.way":       {classPlace, typeVisit, maxWay, (*writer).placeWay},
	"place.name":      {classPlace, typeVisit, maxParameter, (*writer).placeName},
	"place.address":   {classPlace, typeVisit, maxParameter, (*writer).placeAddress},
	"clinician.name":  {classPerson, typeVisit, maxParameter, (*writer).clinician},
	"delay.minutes":   {classSchedule, typeEncounter, maxMoment, (*writer).delay},
	"facility.name":   {classFacility, "", maxParameter, func(w *writer) string { return w.settings.Facility }},
	"facility.phone":  {classFacility, "", maxParameter, func(w *writer) string { return w.settings.Phone }},

	"facility.portal":    {classFacility, "", maxParameter, func(w *writer) string { return w.settings.Portal }},
	"facility.emergency": {classFacility, "", maxParameter, func(w *writer) string { return w.settings.Emergency }},
	"open.date":          {classFacility, "", maxMoment, func(w *writer) string { return w.opens(w.calendar.date) }},
	"open.time":          {classFacility, "", maxMoment, func(w *writer) string { return w.opens(w.calendar.clock) }},
}

// writer is what fields read: the facts of one message in one language.
type writer struct {
	*scene
	// before is the start that the visit had before the news, zero if it is not known.
	before time.Time
	// minutes are those of a delay.
	minutes int
	// slot is the free time that was chosen, in the zone of the service or of the visit; zero if none was.
	slot    time.Time
	patient *fhir.Patient
	// others are the visits that a digest tells of besides, in the order of their starts.
	others []*writer
	// proxy is who reads it in the patient's stead, nil for the patient. unnamed is set when the patient's name was asked
	// for then, and there is none.
	proxy    *fhir.RelatedPerson
	unnamed  bool
	settings *Settings
	calendar calendar
}

func (w *writer) name() fhir.Name {
	if w.patient == nil {
		return fhir.Name{}
	}
	name := w.patient.Name(w.now)
	w.unnamed = w.unnamed || w.proxy != nil && name.Text == ""
	return name
}

func (w *writer) local(t time.Time, format func(time.Time) string) string {
	if t.IsZero() {
		return ""
	}
	return format(t.In(w.zone()))
}

// instruction is what the EHR tells the patient to do.
func (w *writer) instruction() string {
	if w.visit == nil || w.sensitive() {
		return ""
	}
	return whole(w.visit.PatientInstruction(), maxInstruction)
}

// placeWay is how to find the place inside the building.
func (w *writer) placeWay() string {
	if w.sensitive() {
		return ""
	}
	for l := range w.places() {
		if way := l.Description(); way != "" {
			return whole(way, maxWay)
		}
	}
	return ""
}

// placeName is empty for a sensitive visit: the name of a place may say what it is for.
func (w *writer) placeName() string {
	if w.sensitive() {
		return ""
	}
	for _, p := range w.participants("Location") {
		if l, ok := w.find(p.Actor).(*fhir.Location); ok && l.Name() != "" {
			return l.Name()
		}
		if p.Actor.Display != "" {
			return p.Actor.Display
		}
	}
	return ""
}

func (w *writer) placeAddress() string {
	if w.sensitive() {
		return ""
	}
	for l := range w.places() {
		if address := l.Address(); address != "" {
			return address
		}
	}
	return ""
}

// pin is the first place of the visit on the map: nil if nobody has said where it is, or if that must not be shown.
func (w *writer) pin() *pipeline.LocationPin {
	places := w.participants("Location")
	if len(places) == 0 || w.sensitive() {
		return nil
	}
	name, address, found := "", "", false
	var pin pipeline.LocationPin
	for l := range w.around(places[0].Actor) {
		name, address = cmp.Or(name, l.Name()), cmp.Or(address, l.Address())
		if !found {
			pin.Latitude, pin.Longitude, found = l.Position()
		}
	}
	if !found {
		return nil
	}
	pin.Name, pin.Address = clean(cmp.Or(name, places[0].Actor.Display), maxParameter), clean(address, maxParameter)
	return &pin
}

func (w *writer) clinician() string {
	if w.sensitive() {
		return ""
	}
	for _, p := range w.participants("Practitioner") {
		if who, ok := w.find(p.Actor).(*fhir.Practitioner); ok {
			if name := who.Name(w.now).Formal(); name != "" {
				return name
			}
		}
		if name := fhir.DisplayName(p.Actor.Display).Formal(); name != "" {
			return name
		}
	}
	return ""
}

// whole returns a text that has room as it is. One that is too long is not cut, but left out: the
// end may be what matters.
func whole(text string, room int) string {
	text = clean(text, room+1)
	if utf8.RuneCountInString(text) > room {
		return ""
	}
	return text
}

// clean makes text fit to be a template's parameter: Meta refuses new lines, tabs and
// runs of spaces in one. Controls that turn the direction of writing are taken
// out: they would turn the words around it too.
func clean(text string, limit int) string {
	if tidy(text) && len(text) <= limit {
		return text
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r < ' ', r == 0x7f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0xfffd:
			return -1
		}
		return r
	}, text)
	return clip(strings.Join(strings.Fields(text), " "), limit)
}

// tidy reports whether clean has nothing to do but to look at the length.
func tidy(text string) bool {
	space := true // no space at the start
	for i := range len(text) {
		c := text[i]
		if c < ' ' || c == 0x7f || c == 0xe2 || c == 0xef || c == ' ' && space {
			return false
		}
		space = c == ' '
	}
	return !space || text == ""
}

// Isolates keep words of another direction from tearing a right-to-left line apart
// (https://www.unicode.org/reports/tr9/#Explicit_Directional_Isolates).
const (
	isolate    = "\u2068"
	endIsolate = "\u2069"
)

// isolated wraps text, unless all its letters are written from right to left: then it reads the
// same as the words around it. Numbers alone are wrapped, or "3-12" would be shown as "12-3".
func isolated(text string) string {
	own := false
	for _, r := range text {
		switch {
		case !unicode.IsLetter(r):
		case !unicode.In(r, unicode.Arabic, unicode.Hebrew):
			return isolate + text + endIsolate
		default:
			own = true
		}
	}
	if own {
		return text
	}
	return isolate + text + endIsolate
}
