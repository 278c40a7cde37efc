package journey

import (
	"strconv"
	"time"
)

// typeVisit stands for what is told of a visit, as it was booked and as it takes place.
const typeVisit = "Appointment or Encounter"

// fits reports whether a journey on a type of resource has the field.
func (f field) fits(on string) bool {
	return f.of == "" || f.of == on || f.of == typeVisit && (on == typeAppointment || on == typeEncounter)
}

// begin is the start of the visit as it was booked.
func (w *writer) begin() time.Time {
	if w.encounter != nil {
		return w.planned()
	}
	return w.start
}

// delay is how many minutes late the visit is.
func (w *writer) delay() string {
	if w.minutes <= 0 {
		return ""
	}
	return strconv.Itoa(w.minutes)
}
