package journey

import (
	"time"

	"fhirbridge/fhir"
)

// bookings are the appointments that a visit which takes place goes back to, as far as they are known.
func (s *scene) bookings() []*fhir.Appointment {
	if s.encounter == nil || s.traced {
		return s.booked
	}
	s.traced = true
	for _, ref := range s.encounter.Appointments() {
		if a, ok := s.find(ref).(*fhir.Appointment); ok && a != nil {
			s.booked = append(s.booked, a)
		}
	}
	return s.booked
}

// awaited reports whether a booking is one that the patient may be waiting for.
func (s *scene) awaited(a *fhir.Appointment) bool {
	switch a.Status() {
	case fhir.AppointmentBooked, fhir.AppointmentArrived, fhir.AppointmentCheckedIn:
		return s.joins(a)
	}
	return false
}

// joins reports whether the patient takes part in a booking, and has not declined.
func (s *scene) joins(a *fhir.Appointment) bool {
	who, ok := fhir.ParseReference(s.who)
	if !ok {
		return false
	}
	p, takesPart := a.Participant(who)
	return takesPart && p.Status != fhir.ParticipantDeclined
}

// calledOff reports whether the patient was not to come, by what the visit was booked as: the EHR contradicts
// itself, and nobody is to be spoken to on the strength of that.
func (s *scene) calledOff() bool {
	for _, a := range s.bookings() {
		switch a.Status() {
		case fhir.AppointmentCancelled, fhir.AppointmentNoShow, fhir.AppointmentEnteredInError:
			return true
		}
		if !s.joins(a) {
			return true
		}
	}
	return false
}

// waits reports whether the patient is there, and nobody has begun with the visit.
func (s *scene) waits() bool {
	return s.encounter.Status() == fhir.EncounterArrived || s.encounter.Status() == fhir.EncounterTriaged
}

// planned is the first start of the bookings that the patient may be waiting for, zero if there is none.
func (s *scene) planned() (start time.Time) {
	for _, a := range s.bookings() {
		if s.awaited(a) && !a.Start().IsZero() && (start.IsZero() || a.Start().Before(start)) {
			start = a.Start()
		}
	}
	return start
}

// ended is when the visit was over: as the EHR says, else when it recorded that, else now.
func (s *scene) ended() time.Time {
	switch {
	case s.visit != nil:
		return s.visit.End()
	case s.encounter == nil:
		return time.Time{}
	case s.encounter.End().Precision == fhir.Second:
		return s.encounter.End().Time
	case !s.subject.Header().LastUpdated.IsZero():
		return s.subject.Header().LastUpdated
	}
	return s.now
}

// stays are the places of a visit that takes place: where the patient is, else all that are named.
func (s *scene) stays() []fhir.Participant {
	places := s.encounter.Here()
	if len(places) == 0 {
		places = s.encounter.Locations()
	}
	list := make([]fhir.Participant, len(places))
	for i, p := range places {
		list[i].Actor = p
	}
	return list
}

// services are what the visit is for, as it takes place and as it was booked.
func (s *scene) services() []fhir.Concept {
	list := []fhir.Concept{s.encounter.ServiceType()}
	for _, a := range s.bookings() {
		list = append(list, a.ServiceTypes()...)
	}
	return list
}

var encounterStatuses = []fhir.EncounterStatus{
	fhir.EncounterPlanned, fhir.EncounterArrived, fhir.EncounterTriaged, fhir.EncounterInProgress, fhir.EncounterOnLeave,
	fhir.EncounterFinished, fhir.EncounterCancelled, fhir.EncounterEnteredInError, fhir.EncounterUnknown,
}

func (v vocabulary) encounter() {
	for _, status := range encounterStatuses {
		v.state(string(status), func(s *scene) bool { return s.encounter.Status() == status })
	}
	v.state("waiting", (*scene).waits)
	v.withdrawn(func(s *scene) bool { return s.encounter.Status() == fhir.EncounterEnteredInError }, (*scene).told)
	v["is called off"] = phrase{holds: (*scene).calledOff}
	v["is inpatient"] = phrase{holds: func(s *scene) bool { return inpatient[s.encounter.Class().Code] }}
	v["is emergency"] = phrase{holds: func(s *scene) bool { return s.encounter.Class().Code == "EMER" }}
	v.condition("answered", false, func(s *scene) bool { return s.answer() != nil })
}

// inpatient are the classes of v3-ActCode of who stays overnight
// (https://terminology.hl7.org/ValueSet-encounter-class.html).
var inpatient = map[string]bool{"IMP": true, "ACUTE": true, "NONAC": true, "OBSENC": true, "PRENC": true}

// answers adds "answered NAME" for each answer of a journey on a visit that takes place.
func (v vocabulary) answers(j *journey) {
	if j.on != typeEncounter {
		return
	}
	for name := range j.answers {
		v.condition("answered "+name, false, func(s *scene) bool {
			a := s.answer()
			return a != nil && a.Action == name
		})
	}
}
