package journey

import (
	"strings"
	"time"
	"unicode"

	"fhirbridge/fhir"
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
	of   string
	read func(*writer) string
}

const (
	typeAppointment = "Appointment"
	typeReport      = "DiagnosticReport"
	// typeMessage is what a journey is on that starts with a patient's own message.
	typeMessage = "message"
)

var fields = map[string]field{
	"patient.given":  {className, "", func(w *writer) string { return w.name().Informal() }},
	"patient.name":   {className, "", func(w *writer) string { return w.name().Text }},
	"start.date":     {classSchedule, typeAppointment, func(w *writer) string { return w.local(w.start, w.calendar.date) }},
	"start.time":     {classSchedule, typeAppointment, func(w *writer) string { return w.local(w.start, w.calendar.clock) }},
	"before.date":    {classSchedule, typeAppointment, func(w *writer) string { return w.local(w.before, w.calendar.date) }},
	"before.time":    {classSchedule, typeAppointment, func(w *writer) string { return w.local(w.before, w.calendar.clock) }},
	"instruction":    {classInstruction, typeAppointment, (*writer).instruction},
	"place.way":      {classPlace, typeAppointment, (*writer).placeWay},
	"place.name":     {classPlace, typeAppointment, (*writer).placeName},
	"place.address":  {classPlace, typeAppointment, (*writer).placeAddress},
	"clinician.name": {classPerson, typeAppointment, (*writer).clinician},
	"facility.name":  {classFacility, "", func(w *writer) string { return w.settings.Facility }},
	"facility.phone": {classFacility, "", func(w *writer) string { return w.settings.Phone }},
}

// writer is what fields read: the facts of one message in one language.
type writer struct {
	*scene
	// before is the start that the visit had before the news, zero if it is not known.
	before   time.Time
	patient  *fhir.Patient
	settings *Settings
	calendar calendar
}

func (w *writer) name() fhir.Name {
	if w.patient == nil {
		return fhir.Name{}
	}
	return w.patient.Name(w.now)
}

func (w *writer) local(t time.Time, format func(time.Time) string) string {
	if t.IsZero() {
		return ""
	}
	return format(t.In(w.zone()))
}

// instruction is what the EHR tells the patient to do. One that is too long is not cut, but left out:
// the end may be what matters.
func (w *writer) instruction() string {
	if w.visit == nil || w.sensitive() {
		return ""
	}
	text := clean(w.visit.PatientInstruction(), 2*maxParameter)
	if len([]rune(text)) > maxParameter {
		return ""
	}
	return text
}

// placeWay is how to find the place inside the building.
func (w *writer) placeWay() string {
	if w.sensitive() {
		return ""
	}
	for l := range w.places() {
		if way := l.Description(); way != "" {
			return way
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

// maxParameter is how many characters of a fact a message shows. A place with a
// longer name is cut, so that the whole stays within Meta's limit.
const maxParameter = 120

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
