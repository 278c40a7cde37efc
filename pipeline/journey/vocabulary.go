package journey

import (
	"strings"

	"fhirbridge/fhir"
)

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
		v.appointment()
	case typeReport:
		v.report()
	case typeRequest:
	case typeEncounter:
		v.encounter()
	default:
		return v
	}
	v.condition("told", true, (*scene).told)
	v.condition("sensitive", false, (*scene).sensitive)
	v["is sensitive"] = v["sensitive"]
	v.condition("withheld", false, (*scene).withheld)
	v["is withheld"] = v["withheld"]
	return v
}

// told reports whether the patient has been sent anything about the subject.
func (s *scene) told() bool { return s.known.ToldOf(s.who) }

func (v vocabulary) appointment() {
	for _, status := range appointmentStatuses {
		v.state(string(status), func(s *scene) bool { return s.visit.Status() == status })
	}
	v.state("requested", func(s *scene) bool {
		return s.visit.Status() == fhir.AppointmentProposed || s.visit.Status() == fhir.AppointmentPending
	})
	v.state("cancelled by the hospital", func(s *scene) bool {
		return s.visit.Status() == fhir.AppointmentCancelled && !s.visit.CancelledByPatient()
	})
	v.state("cancelled by the patient", func(s *scene) bool { return s.visit.CancelledByPatient() })
	v["became booked"] = phrase{fires: becameBooked, holds: booked}
	v["moved"] = phrase{fires: moved, holds: booked}
	v["changed place"] = changed((*fhir.Appointment).Locations, (*fhir.Appointment).SamePlaces)
	v["changed clinician"] = changed((*fhir.Appointment).Practitioners, (*fhir.Appointment).SameClinicians)
	v.withdrawn(func(s *scene) bool { return s.visit.Status() == fhir.AppointmentEnteredInError }, ahead)
	v.condition("confirmed", false, (*scene).confirmed)
	v.condition("declined", false, (*scene).declined)
	v.condition("answered", false, func(s *scene) bool { return s.confirmed() || s.declined() })
	v.condition("scheduled", false, func(s *scene) bool { return !s.start.IsZero() })
	v.condition("requested here", false, (*scene).requestedHere)
	v.condition("instructed", false, func(s *scene) bool { return strings.TrimSpace(s.visit.PatientInstruction()) != "" })
	v["is walk-in"] = phrase{holds: func(s *scene) bool { return s.visitType("WALKIN") }}
	v["is emergency"] = phrase{holds: func(s *scene) bool { return s.visitType("EMERGENCY") }}
}

func (v vocabulary) report() {
	v.state("final", released)
	v["became changed"] = phrase{holds: released, fires: func(previous, current *scene) bool {
		return previous != nil && (released(previous) || previous.told()) && reissued(previous, current)
	}}
	v.condition("signed", false, (*scene).signed)
	v.withdrawn(func(s *scene) bool {
		return s.report.Status() == fhir.ReportEnteredInError || s.report.Status() == fhir.ReportCancelled
	}, func(s *scene) bool { return released(s) || s.told() })
}

// withdrawn adds "withdrawn": what mattered to the patient was a mistake, or it has been deleted. That
// an EHR clears away what is over is no news.
func (v vocabulary) withdrawn(is, mattered func(*scene) bool) {
	gone := func(s *scene) bool { return s.gone || is(s) }
	v["withdrawn"] = phrase{gone: true, holds: gone, fires: func(previous, current *scene) bool {
		return gone(current) && previous != nil && !is(previous) && mattered(previous)
	}}
}

// ahead reports whether a visit is still to come.
func ahead(s *scene) bool {
	switch s.visit.Status() {
	case fhir.AppointmentProposed, fhir.AppointmentPending, fhir.AppointmentBooked, fhir.AppointmentWaitlist:
		return s.start.IsZero() || s.start.After(s.now)
	}
	return false
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
// goes back to booked with another start is new to the patient, and no booking: it is moved. What the patient has moved
// with us is no news: that it is done has been said.
func moved(previous, current *scene) bool {
	return previous != nil && stands(previous) && booked(current) && !previous.visit.Start().Equal(current.visit.Start()) && !current.chosen(previous)
}

// changed is the edge that a visit stays booked, at the same moment, with others of a kind than
// before. Somebody who is named for the first time, or no longer, is no change: what the
// patient knew is not wrong.
func changed(of func(*fhir.Appointment) []fhir.Participant, same func(a, b *fhir.Appointment) bool) phrase {
	return phrase{holds: booked, fires: func(previous, current *scene) bool {
		return previous != nil && booked(previous) && booked(current) && !moved(previous, current) &&
			len(of(previous.visit)) > 0 && len(of(current.visit)) > 0 && !same(previous.visit, current.visit)
	}}
}

// released reports whether a report is complete. What is changed afterwards
// (amended, corrected, appended) does not take back that it is there.
func released(s *scene) bool { return s.report.Status() == fhir.ReportFinal || changedReport(s) }

// changedReport reports whether a report was changed after it was final.
func changedReport(s *scene) bool {
	switch s.report.Status() {
	case fhir.ReportAmended, fhir.ReportCorrected, fhir.ReportAppended:
		return true
	}
	return false
}

// reissued reports whether a report has been changed after it was final, and since the previous version.
func reissued(previous, current *scene) bool {
	return changedReport(current) &&
		(previous.report.Status() != current.report.Status() || !previous.report.Issued().Equal(current.report.Issued()))
}

// signed reports whether a person stands for a report, and not a laboratory or a device alone: who has read the
// results, or has made the report (https://hl7.org/fhir/R4/diagnosticreport-definitions.html#DiagnosticReport.resultsInterpreter).
func (s *scene) signed() bool {
	for _, refs := range [][]fhir.Reference{s.report.Interpreters(), s.report.Performers()} {
		for _, ref := range refs {
			if ref.Type == "Practitioner" || ref.Type == "PractitionerRole" {
				return true
			}
		}
	}
	return false
}
