package journey

import (
	"time"

	"fhirbridge/fhir"
)

// from is what the times of a step count from, by the word for it; zero if it is not known: the start of a visit, as it
// was booked, when the patient arrived, when it was over; and when a report was issued, else when its record was changed, else now.
func (s *scene) from(word string) time.Time {
	switch {
	case word == anchorEnd:
		return s.ended()
	case word == anchorArrived && s.encounter.Arrived().Precision == fhir.Second:
		return s.encounter.Arrived().Time
	case word == anchorArrived:
		return time.Time{}
	case word == anchorStart && s.encounter != nil:
		return s.planned()
	case word != anchorIssued:
		return s.start
	case !s.report.Issued().IsZero():
		return s.report.Issued()
	case s.dated(word):
		return s.subject.Header().LastUpdated
	}
	return s.now
}

// dated reports whether the subject says itself what its times count from.
func (s *scene) dated(word string) bool {
	switch {
	case s.report != nil:
		return !s.report.Issued().IsZero() || !s.subject.Header().LastUpdated.IsZero()
	case s.encounter != nil && word == anchorEnd:
		return s.encounter.End().Precision == fhir.Second || !s.subject.Header().LastUpdated.IsZero()
	}
	return !s.from(word).IsZero()
}
