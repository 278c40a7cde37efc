package fhir

import "github.com/samply/golang-fhir-models/fhir-models/fhir"

// Schedule is whose time Slots are (https://hl7.org/fhir/R4/schedule.html).
type Schedule struct {
	base
	view scheduleView
}

type scheduleView struct {
	fhir.OtherSchedule
	Actor           []reference `json:"actor"`
	PlanningHorizon skipped     `json:"planningHorizon"`
	Text            skipped     `json:"text"`
	Extension       skipped     `json:"extension"`
	Identifier      skipped     `json:"identifier"`
}

var scheduleMembers = []string{"active", "actor", "serviceCategory", "serviceType", "specialty"}

func decodeSchedule(s source) (Resource, error) {
	c := &Schedule{base: s.base}
	if err := fill(s, &c.view); err != nil {
		return nil, err
	}
	if len(c.view.Actor) == 0 {
		return nil, s.at("actor", RuleMissing)
	}
	return c, nil
}

// Active reports whether it is in use; one that does not say so is.
func (c *Schedule) Active() bool { return c.view.Active == nil || *c.view.Active }

// Actors are those whose time it is: who would take part in an Appointment,
// beside the patient. One that is no reference is left out.
func (c *Schedule) Actors() []Reference { return parsedAll(c.view.Actor, c.base) }

// ServiceCategories are what kind of service can be had, broadly.
func (c *Schedule) ServiceCategories() []Concept { return concepts(c.view.ServiceCategory) }

// ServiceTypes are what can be had.
func (c *Schedule) ServiceTypes() []Concept { return concepts(c.view.ServiceType) }

// Specialties are those that the service needs.
func (c *Schedule) Specialties() []Concept { return concepts(c.view.Specialty) }
