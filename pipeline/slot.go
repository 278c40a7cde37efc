package pipeline

import "time"

// Slot is a stretch of time that can be had, as the FHIR server has it. It is no reservation: whoever
// books it finds out whether it is free still.
// https://hl7.org/fhir/R4/slot.html
type Slot struct {
	// Ref is its reference ("Slot/12"), Schedule that of whose time it is.
	Ref, Schedule string
	// Start and End have the offset that the server wrote.
	Start, End time.Time
}

// SlotSearch says which free times are looked for. What is empty does not matter.
type SlotSearch struct {
	// Types and Specialties are codes as "system|code" or "code"; a slot has one of each, or names none.
	Types, Specialties []string
	// Schedules are whose times they are, by reference.
	Schedules []string
	// Actor is who or what takes part ("Practitioner/1"): of those schedules that are theirs, and that name no place
	// beside Places.
	Actor  string
	Places []string
	// From and To bound the start: not before From, and before To.
	From, To time.Time
	// Limit is how many are wanted.
	Limit int
}

// whose reports whether it says whose times or what kind of times are looked for.
func (q SlotSearch) whose() bool {
	return q.Actor != "" || len(q.Schedules) > 0 || len(q.Types) > 0 || len(q.Specialties) > 0
}
