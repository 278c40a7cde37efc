package fhir

import (
	"strconv"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// EncounterStatus is how far a visit is
// (https://hl7.org/fhir/R4/valueset-encounter-status.html).
type EncounterStatus string

// The codes of EncounterStatus.
const (
	EncounterPlanned        EncounterStatus = "planned"
	EncounterArrived        EncounterStatus = "arrived"
	EncounterTriaged        EncounterStatus = "triaged"
	EncounterInProgress     EncounterStatus = "in-progress"
	EncounterOnLeave        EncounterStatus = "onleave"
	EncounterFinished       EncounterStatus = "finished"
	EncounterCancelled      EncounterStatus = "cancelled"
	EncounterEnteredInError EncounterStatus = "entered-in-error"
	EncounterUnknown        EncounterStatus = "unknown"
)

var encounterStatuses = set(EncounterPlanned, EncounterArrived, EncounterTriaged, EncounterInProgress, EncounterOnLeave,
	EncounterFinished, EncounterCancelled, EncounterEnteredInError, EncounterUnknown)

// Encounter is a visit that takes place (https://hl7.org/fhir/R4/encounter.html).
// Reasons and diagnoses are not offered: no message holds one.
type Encounter struct {
	base
	view       encounterView
	subject    Reference
	start, end DateTime
	history    []Phase
}

// Phase is a stretch of an Encounter in one status.
type Phase struct {
	Status EncounterStatus
	// Start and End are its limits; absent where they are not known (yet).
	Start, End DateTime
}

type encounterView struct {
	fhir.OtherEncounter
	Status          string                `json:"status"` // samply reads a missing one as planned
	StatusHistory   []phaseView           `json:"statusHistory"`
	Class           *fhir.Coding          `json:"class"`
	Subject         *reference            `json:"subject"`
	Appointment     []reference           `json:"appointment"`
	Period          *periodView           `json:"period"`
	Location        []encounterPlaceView  `json:"location"`
	ServiceType     *fhir.CodeableConcept `json:"serviceType"`
	ClassHistory    skipped               `json:"classHistory"`
	Participant     skipped               `json:"participant"`
	Diagnosis       skipped               `json:"diagnosis"`
	ReasonCode      skipped               `json:"reasonCode"`
	Hospitalization skipped               `json:"hospitalization"`
	Text            skipped               `json:"text"`
	Extension       skipped               `json:"extension"`
	Identifier      skipped               `json:"identifier"`
}

type phaseView struct {
	Status string      `json:"status"`
	Period *periodView `json:"period"`
}

type encounterPlaceView struct {
	Location *reference `json:"location"`
	Status   string     `json:"status"`
}

var encounterMembers = []string{"status", "statusHistory", "class", "subject", "appointment", "period", "location", "serviceType"}

func decodeEncounter(s source) (Resource, error) {
	e := &Encounter{base: s.base}
	err := fill(s, &e.view)
	if err == nil {
		err = e.check(s)
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Encounter) check(s source) error {
	err := code(s, "status", e.Status(), encounterStatuses)
	if err != nil {
		return err
	}
	if e.view.Class == nil {
		return s.at("class", RuleMissing)
	}
	if e.subject, err = target(s, "subject", e.view.Subject); err != nil {
		return err
	}
	if e.start, e.end, err = period(s, "period", e.view.Period); err != nil {
		return err
	}
	for i, v := range e.view.StatusHistory {
		element := "statusHistory[" + strconv.Itoa(i) + "]"
		p := Phase{Status: EncounterStatus(v.Status)}
		if err := code(s, element+".status", p.Status, encounterStatuses); err != nil {
			return err
		}
		if p.Start, p.End, err = period(s, element+".period", v.Period); err != nil {
			return err
		}
		e.history = append(e.history, p)
	}
	return nil
}

// Status is never empty.
func (e *Encounter) Status() EncounterStatus { return EncounterStatus(e.view.Status) }

// Class is what kind of visit it is, of v3-ActCode: AMB, EMER, IMP, VR, HH …
func (e *Encounter) Class() Coding { return coding(*e.view.Class) }

// Subject is the patient; zero if absent.
func (e *Encounter) Subject() Reference { return e.subject }

// Appointments are the bookings that this visit goes back to.
func (e *Encounter) Appointments() []Reference { return parsedAll(e.view.Appointment, e.base) }

// Start is the arrival or the beginning of the visit, by the habit of the site;
// absent if unknown.
func (e *Encounter) Start() DateTime { return e.start }

// End is when the visit ended; absent if it has not, or nobody said.
func (e *Encounter) End() DateTime { return e.end }

// History are the phases of the visit that were recorded, as they were written:
// mostly those before the current status, in the order of time.
func (e *Encounter) History() []Phase { return e.history }

// Arrived is when the patient came: the earliest arrival of the history, else the
// start of a visit that has come no further than triage. Absent if unknown: the
// start of a visit under way may be its arrival or when the waiting was over.
func (e *Encounter) Arrived() DateTime {
	var first DateTime
	for _, p := range e.history {
		if p.Status == EncounterArrived && p.Start.Precision != Absent && (first.Precision == Absent || p.Start.Time.Before(first.Time)) {
			first = p.Start
		}
	}
	if first.Precision == Absent && (e.Status() == EncounterArrived || e.Status() == EncounterTriaged) {
		return e.start
	}
	return first
}

// Locations are where it takes place, in the order written, those that the
// patient has left among them.
func (e *Encounter) Locations() []Reference {
	return e.places(func(string) bool { return true })
}

// Here are the places where the patient is: those that are active, or of which nobody says
// whether they are (https://hl7.org/fhir/R4/valueset-encounter-location-status.html). None if all are past or to come.
func (e *Encounter) Here() []Reference {
	return e.places(func(status string) bool { return status == "active" || status == "" })
}

func (e *Encounter) places(of func(status string) bool) []Reference {
	var places []reference
	for _, l := range e.view.Location {
		if l.Location != nil && of(l.Status) {
			places = append(places, *l.Location)
		}
	}
	return parsedAll(places, e.base)
}

// ServiceType is what the visit is for. Its words may disclose.
func (e *Encounter) ServiceType() Concept { return concept(e.view.ServiceType) }
