package journey

import (
	"fmt"
	"strings"

	"fhirbridge/fhir"
)

// phrase is one clause of a "when". An edge says that something has happened
// between two versions; a condition says how things are.
type phrase struct {
	// fires is set for an edge. The previous scene is nil if there is no previous version.
	fires func(previous, current *scene) bool
	// holds says whether what the clause speaks of is still so.
	holds func(*scene) bool
	// once is set for a condition that matters when the step fires and not later.
	once bool
}

// when is a compiled "when": every clause must hold.
type when struct {
	edge    *phrase
	clauses []phrase
}

// fires reports whether the change is what the step waits for.
func (w when) fires(previous, current *scene) bool {
	if w.edge == nil || !w.edge.fires(previous, current) {
		return false
	}
	for _, c := range w.clauses {
		if !c.holds(current) {
			return false
		}
	}
	return true
}

// holds reports whether the step is still wanted.
func (w when) holds(s *scene) bool {
	if w.edge != nil && !w.edge.holds(s) {
		return false
	}
	for _, c := range w.clauses {
		if (w.edge == nil || !c.once) && !c.holds(s) {
			return false
		}
	}
	return true
}

// vocabulary is the closed set of phrases about a type of resource.
type vocabulary map[string]phrase

// condition adds a condition and its contrary.
func (v vocabulary) condition(name string, once bool, is func(*scene) bool) {
	v[name] = phrase{holds: is, once: once}
	v["not "+name] = phrase{holds: func(s *scene) bool { return !is(s) }, once: once}
}

// state adds "is name" and "became name". It becomes so when it is and was not.
func (v vocabulary) state(name string, is func(*scene) bool) {
	v["is "+name] = phrase{holds: is}
	v["became "+name] = phrase{holds: is, fires: func(previous, current *scene) bool {
		return is(current) && (previous == nil || !is(previous))
	}}
}

var appointmentStatuses = []fhir.AppointmentStatus{
	fhir.AppointmentProposed, fhir.AppointmentPending, fhir.AppointmentBooked, fhir.AppointmentArrived,
	fhir.AppointmentCheckedIn, fhir.AppointmentFulfilled, fhir.AppointmentCancelled, fhir.AppointmentNoShow,
	fhir.AppointmentWaitlist, fhir.AppointmentEnteredInError,
}

// phrasesOf returns what can be said about a type.
func phrasesOf(resourceType string) vocabulary {
	v := vocabulary{}
	switch resourceType {
	case typeAppointment:
		for _, status := range appointmentStatuses {
			v.state(string(status), func(s *scene) bool { return s.visit.Status() == status })
		}
		v.state("cancelled by the hospital", func(s *scene) bool {
			return s.visit.Status() == fhir.AppointmentCancelled && !s.visit.CancelledByPatient()
		})
		v.state("cancelled by the patient", func(s *scene) bool { return s.visit.CancelledByPatient() })
		v["became booked"] = phrase{fires: becameBooked, holds: booked}
		v["moved"] = phrase{fires: moved, holds: booked}
		v.condition("confirmed", false, (*scene).confirmed)
		v.condition("declined", false, (*scene).declined)
		v.condition("answered", false, func(s *scene) bool { return s.confirmed() || s.declined() })
		v["is walk-in"] = phrase{holds: func(s *scene) bool { return s.visitType("WALKIN") }}
		v["is emergency"] = phrase{holds: func(s *scene) bool { return s.visitType("EMERGENCY") }}
	case typeReport:
		v["is final"] = phrase{holds: released}
		v["became final"] = phrase{holds: released, fires: func(previous, current *scene) bool {
			return current.report.Status() == fhir.ReportFinal && (previous == nil || !released(previous))
		}}
	default:
		return v
	}
	v.condition("told", true, func(s *scene) bool { return s.known.Told })
	v["is sensitive"] = phrase{holds: (*scene).sensitive}
	v["is withheld"] = phrase{holds: (*scene).withheld}
	return v
}

func booked(s *scene) bool { return s.visit.Status() == fhir.AppointmentBooked }

// stands reports whether the visit has been booked and nothing has taken that back: from
// arrived, checked-in, fulfilled and noshow an EHR goes back to booked only to correct a mistake.
// https://hl7.org/fhir/R4/valueset-appointmentstatus.html
func stands(s *scene) bool {
	switch s.visit.Status() {
	case fhir.AppointmentBooked, fhir.AppointmentArrived, fhir.AppointmentCheckedIn, fhir.AppointmentFulfilled, fhir.AppointmentNoShow:
		return true
	}
	return false
}

// becameBooked reports whether there is a visit now where there was none.
func becameBooked(previous, current *scene) bool {
	return booked(current) && (previous == nil || !stands(previous))
}

// moved reports whether a visit that was there before is booked for another moment now. What
// goes back to booked with another start is new to the patient, and no booking: it is moved.
func moved(previous, current *scene) bool {
	return previous != nil && stands(previous) && booked(current) && !previous.visit.Start().Equal(current.visit.Start())
}

// released reports whether a report is complete. What is changed afterwards
// (amended, corrected, appended) does not take back that it is there.
func released(s *scene) bool {
	switch s.report.Status() {
	case fhir.ReportFinal, fhir.ReportAmended, fhir.ReportCorrected, fhir.ReportAppended:
		return true
	}
	return false
}

func (v vocabulary) names() []string {
	names := make([]string, 0, len(v))
	for name := range v {
		names = append(names, name)
	}
	return names
}

// clauses reads a text like "is booked and not answered".
func (v vocabulary) clauses(at value) when {
	var w when
	text := strings.Join(strings.Fields(at.text()), " ")
	if text == "" {
		return w
	}
	for _, clause := range strings.Split(text, " and ") {
		p, ok := v[clause]
		switch {
		case !ok:
			at.problem(unknownPhrase(clause, v.names()))
		case p.fires != nil && w.edge != nil:
			at.problemf("%q: only one thing can happen at a time", text)
		case p.fires != nil:
			w.edge = &p
		default:
			w.clauses = append(w.clauses, p)
		}
	}
	return w
}

func unknownPhrase(clause string, valid []string) string {
	if near := nearest(clause, valid); near != "" {
		return fmt.Sprintf("unknown condition %q, did you mean %q?", clause, near)
	}
	return fmt.Sprintf("unknown condition %q: see docs/journeys.md for what can be said", clip(clause, 60))
}
