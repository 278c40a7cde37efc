package fhir

import (
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// SlotStatus is whether a time can be had
// (https://hl7.org/fhir/R4/valueset-slotstatus.html).
type SlotStatus string

// The codes of SlotStatus.
const (
	SlotFree            SlotStatus = "free"
	SlotBusy            SlotStatus = "busy"
	SlotBusyUnavailable SlotStatus = "busy-unavailable"
	SlotBusyTentative   SlotStatus = "busy-tentative"
	SlotEnteredInError  SlotStatus = "entered-in-error"
)

var slotStatuses = set(SlotFree, SlotBusy, SlotBusyUnavailable, SlotBusyTentative, SlotEnteredInError)

// Slot is a stretch of time of a Schedule (https://hl7.org/fhir/R4/slot.html). A
// free one is no reservation: who books expects to be refused. The comment is
// internal and not offered.
type Slot struct {
	base
	view       slotView
	schedule   Reference
	start, end time.Time
}

type slotView struct {
	fhir.OtherSlot
	Status          string     `json:"status"` // samply reads a missing one as busy
	Schedule        *reference `json:"schedule"`
	Start           *string    `json:"start"`
	End             *string    `json:"end"`
	AppointmentType skipped    `json:"appointmentType"`
	Text            skipped    `json:"text"`
	Extension       skipped    `json:"extension"`
	Identifier      skipped    `json:"identifier"`
}

var slotMembers = []string{"status", "schedule", "start", "end", "overbooked", "serviceCategory", "serviceType", "specialty"}

func decodeSlot(s source) (Resource, error) {
	l := &Slot{base: s.base}
	err := fill(s, &l.view)
	if err == nil {
		err = l.check(s)
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Slot) check(s source) error {
	err := code(s, "status", l.Status(), slotStatuses)
	if err != nil {
		return err
	}
	if l.schedule, err = target(s, "schedule", l.view.Schedule); err != nil {
		return err
	}
	if l.start, err = instant(s, "start", l.view.Start); err != nil {
		return err
	}
	if l.end, err = instant(s, "end", l.view.End); err != nil {
		return err
	}
	switch {
	case l.schedule.IsZero():
		return s.at("schedule", RuleMissing)
	case l.start.IsZero():
		return s.at("start", RuleMissing)
	case l.end.IsZero():
		return s.at("end", RuleMissing)
	}
	return nil
}

// Status is never empty.
func (l *Slot) Status() SlotStatus { return SlotStatus(l.view.Status) }

// Schedule is whose time it is. Never zero.
func (l *Slot) Schedule() Reference { return l.schedule }

// Start is when it begins, with the offset that was written. Never zero.
func (l *Slot) Start() time.Time { return l.start }

// End is when it ends. Never zero; whether it lies behind Start is unchecked.
func (l *Slot) End() time.Time { return l.end }

// Overbooked reports whether more is booked than there is time for.
func (l *Slot) Overbooked() bool { return value(l.view.Overbooked) }

// ServiceCategories are what kind of service can be had, broadly.
func (l *Slot) ServiceCategories() []Concept { return concepts(l.view.ServiceCategory) }

// ServiceTypes are what can be had. Those of the Slot go before its Schedule's.
func (l *Slot) ServiceTypes() []Concept { return concepts(l.view.ServiceType) }

// Specialties are those that the service needs.
func (l *Slot) Specialties() []Concept { return concepts(l.view.Specialty) }
