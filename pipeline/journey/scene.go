package journey

import (
	"bytes"
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// scene is what conditions and fields look at: a version of a subject, what is
// known of it, and one of its patients.
type scene struct {
	book    *Book
	subject fhir.Resource
	visit   *fhir.Appointment // nil unless the subject is one
	report  *fhir.DiagnosticReport
	// encounter is a visit that takes place, booked are its appointments once they have been traced.
	encounter *fhir.Encounter
	booked    []*fhir.Appointment
	traced    bool
	// start is the start of the visit; zero if there is none. When a cancelled visit has lost
	// it, it is the last one that was known.
	start time.Time
	// gone is set when the subject has been deleted; then it is the version before.
	gone   bool
	known  pipeline.Known
	lookup func(ref string) fhir.Resource
	now    time.Time

	// who is the reference of the patient that is looked at, status that of the participation.
	who, status string

	local    *time.Location
	labels   []fhir.Coding
	labelled bool

	parsed parsed
}

func (b *Book) scene(subject fhir.Resource, known pipeline.Known, lookup func(string) fhir.Resource, now time.Time) *scene {
	s := &scene{book: b, subject: subject, known: known, lookup: lookup, now: now}
	switch r := subject.(type) {
	case *fhir.Appointment:
		if r != nil {
			s.visit, s.start = r, r.Start()
		}
	case *fhir.DiagnosticReport:
		s.report = r
	case *fhir.Encounter:
		s.encounter = r
	}
	return s
}

// attendee is a patient whom a subject concerns.
type attendee struct{ ref, status string }

// patients are those whom the subject concerns; each is told by a message of his or her own.
func (s *scene) patients() []attendee {
	switch {
	case s.visit != nil:
		var list []attendee
		for _, p := range s.visit.Patients() {
			if ref := p.Actor.String(); ref != "" {
				list = append(list, attendee{ref, p.Status})
			}
		}
		return list
	case s.report != nil:
		if subject := s.report.Subject(); subject.Type == "Patient" && subject.String() != "" {
			return []attendee{{subject.String(), ""}}
		}
	case s.request() != nil:
		return askedOf(s.request())
	case s.encounter != nil:
		if subject := s.encounter.Subject(); subject.Type == "Patient" && subject.String() != "" {
			return []attendee{{subject.String(), ""}}
		}
	}
	return nil
}

// lookAt makes ref the patient of the scene; it reports whether the subject still concerns that one.
func (s *scene) lookAt(ref string) bool {
	for _, p := range s.patients() {
		if p.ref == ref {
			s.who, s.status = p.ref, p.status
			return true
		}
	}
	return false
}

// occasion is what an answer about the subject is tied to: the start as it stands, "" if there is none.
func (s *scene) occasion() string { return occasion(s.start) }

func occasion(start time.Time) string {
	if start.IsZero() {
		return ""
	}
	return start.UTC().Format(time.RFC3339)
}

// answer is the patient's last decision, nil if it was about another start.
func (s *scene) answer() *pipeline.Answer {
	a := s.known.AnswerOf(s.who)
	if a == nil || a.Occasion != s.occasion() {
		return nil
	}
	return a
}

// confirmed reports whether the patient will come. An accepted participation that
// the patient gave for another start, and the EHR has kept while it moved, does not count.
func (s *scene) confirmed() bool { return s.says(fhir.ParticipantAccepted) }

func (s *scene) declined() bool { return s.says(fhir.ParticipantDeclined) }

// says reports whether the patient's participation is of that status: as the patient said to us, else as
// the EHR has it. What the EHR has kept of an answer that was about another start does not count.
func (s *scene) says(status string) bool {
	if a := s.answer(); a != nil && !s.overruled(a) {
		return participations[s.book.meaning(a.Action)] == status
	}
	before := s.known.AnswerOf(s.who)
	return s.status == status && (before == nil || before.Occasion == s.occasion())
}

// overruled reports whether a person has set the participation to something else since the answer.
func (s *scene) overruled(a *pipeline.Answer) bool {
	return a.Was != "" && s.status != participations[s.book.meaning(a.Action)] && !slices.Contains(strings.Fields(a.Was), s.status)
}

func (s *scene) participants(resourceType string) []fhir.Participant {
	switch {
	case s.encounter != nil && resourceType == "Location":
		return s.stays()
	case s.encounter != nil:
		var list []fhir.Participant
		for _, a := range s.bookings() {
			list = append(list, a.Practitioners()...)
		}
		return list
	case s.visit == nil:
		return nil
	case resourceType == "Location":
		return s.visit.Locations()
	}
	return s.visit.Practitioners()
}

// find returns the resource that ref names, nil if it is not known.
func (s *scene) find(ref fhir.Reference) fhir.Resource {
	name := ref.String()
	if name == "" {
		return nil
	}
	if s.lookup != nil {
		if found := s.lookup(name); found != nil {
			return found
		}
	}
	if ref.Local != "" && s.subject != nil {
		if inside, ok := fhir.Contained(s.subject, ref); ok {
			return inside
		}
	}
	return nil
}

// places are the places of the visit, each followed by those that it is part of.
func (s *scene) places() iter.Seq[*fhir.Location] {
	return func(yield func(*fhir.Location) bool) {
		for _, p := range s.participants("Location") {
			for l := range s.around(p.Actor) {
				if !yield(l) {
					return
				}
			}
		}
	}
}

// depth is how many places are one part of the other: a bed in a room in a ward in a house on a campus.
const depth = 5

// around is a place, followed by those that it is part of.
func (s *scene) around(ref fhir.Reference) iter.Seq[*fhir.Location] {
	return func(yield func(*fhir.Location) bool) {
		for range depth {
			l, ok := s.find(ref).(*fhir.Location)
			if !ok || !yield(l) {
				return
			}
			ref = l.PartOf()
		}
	}
}

// zone is where the visit is.
func (s *scene) zone() *time.Location {
	if s.local == nil {
		s.local, _ = s.findZone()
	}
	return s.local
}

// Where the zone of a subject comes from, if not from a place.
const (
	fromStart    = "start"
	fromFacility = "facility"
)

// findZone returns the zone as the start of the visit says, else its place, else the facility; and which of them.
func (s *scene) findZone() (zone *time.Location, from string) {
	for _, a := range s.bookings() {
		if z := s.book.zones.find(a.Zone()); z != nil {
			return z, fromStart
		}
	}
	if s.visit != nil || s.encounter != nil {
		if s.visit != nil {
			if z := s.book.zones.find(s.visit.Zone()); z != nil {
				return z, fromStart
			}
		}
		for l := range s.places() {
			if z := s.book.zones.find(l.Zone()); z != nil {
				return z, l.Header().Ref()
			}
		}
	}
	return s.book.settings.Timezone, fromFacility
}

// zones remembers time zones by name; loading one reads the zone database.
type zones struct{ known sync.Map }

// find returns nil for a name that is no IANA zone.
func (z *zones) find(name string) *time.Location {
	if name == "" || name == "Local" { // Go's word for the server's zone
		return nil
	}
	if known, ok := z.known.Load(name); ok {
		return known.(*time.Location)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	z.known.Store(name, zone)
	return zone
}

// visitType reports whether the visit is of that type of v2-0276
// (https://hl7.org/fhir/R4/v2/0276/index.html).
func (s *scene) visitType(code string) bool {
	if s.visit == nil || !bytes.Contains(s.visit.Raw(), []byte(`"`+code+`"`)) {
		return false
	}
	var r struct {
		AppointmentType struct {
			Coding []fhir.Coding `json:"coding"`
		} `json:"appointmentType"`
	}
	_ = json.Unmarshal(s.visit.Raw(), &r) // what cannot be read is of no type
	for _, c := range r.AppointmentType.Coding {
		if c.Code == code {
			return true
		}
	}
	return false
}
