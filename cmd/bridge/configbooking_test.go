package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestBookingProblems shows that what is wrong with the booking block is found, where it is.
func TestBookingProblems(t *testing.T) {
	service := func(entry string) string { return "booking:\n  services:\n    - " + entry + "\n" }
	for _, c := range []struct{ name, add, want string }{
		{"sound", bookable, ""},
		{"nothing", "booking: {}\n", ""},
		{"unknown key", "booking:\n  reshedule: true\n", "booking.reshedule: unknown key; did you mean reschedule?"},
		{"unknown key of a service", service("{name: a, titel: {en: A}, schedules: [Schedule/1]}"), "booking.services[0].titel: unknown key; did you mean title?"},
		{"another status", "booking: {status: booked}\n", "test.yaml:8:19: booking.status: must be proposed or pending"},
		{"no time between", "booking: {notice: 48h, ahead: 24h}\n", "booking.ahead: must be more than notice"},
		{"no patience", "booking: {patience: 1ms}\n", "booking.patience: must be from 1s to 1h"},
		{"no way to find it", service("{name: a, title: {en: A}}"), "booking.services[0].service_types: required"},
		{"a schedule that is none", service("{name: a, title: {en: A}, schedules: [Slot/1]}"), "booking.services[0].schedules[0]: must be a reference"},
		{"a code that is none", service("{name: a, title: {en: A}, service_types: [two words]}"), "booking.services[0].service_types[0]: must be a code"},
		{"a long title", service("{name: a, title: {en: A title that is longer than it}, schedules: [Schedule/1]}"), "booking.services[0].title.en: must be of 1 to 24 characters"},
		{"no title", service("{name: a, schedules: [Schedule/1]}"), "booking.services[0].title: required"},
		{"no name", service("{title: {en: A}, schedules: [Schedule/1]}"), "booking.services[0].name: required"},
		{"no zone", service("{name: a, title: {en: A}, schedules: [Schedule/1], timezone: Berlin}"), "booking.services[0].timezone: not a name"},
		{"one name twice", service("{name: a, title: {en: A}, schedules: [Schedule/1]}\n    - {name: a, title: {en: B}, schedules: [Schedule/1]}"), "booking.services[1].name: is there twice"},
		{"too many", service(strings.Repeat("{name: a, title: {en: A}, schedules: [Schedule/1]}\n    - ", 9) + "{name: b, title: {en: A}, schedules: [Schedule/1]}"), "booking.services: must be at most 9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := (&loader{file: "test.yaml", env: os.LookupEnv}).parse([]byte(soundConfig + c.add))
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && err == nil:
				t.Error("accepted")
			case c.want != "" && !strings.Contains(err.Error(), c.want):
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
	rungs := func(list string) string {
		return strings.Replace(soundConfig, "fhir: {", "fhir: {appointment_writeback: ["+list+"], ", 1) + "booking: {reschedule: true}\n"
	}
	for list, sound := range map[string]bool{"response, task": false, "task": false, "patch, task": true, "status, task": true} {
		_, err := (&loader{file: "test.yaml", env: os.LookupEnv}).parse([]byte(rungs(list)))
		if (err == nil) != sound || err != nil && !strings.Contains(err.Error(), "booking.reschedule: needs patch or status in fhir.appointment_writeback") {
			t.Errorf("moving with %s: got %v", list, err)
		}
	}
	topic := strings.Replace(soundConfig, "fhir: {", "fhir: {write_to: [topic], ", 1) + bookable
	if _, err := (&loader{file: "test.yaml", env: os.LookupEnv}).parse([]byte(topic)); err == nil || !strings.Contains(err.Error(), "need server among fhir.write_to") {
		t.Errorf("without a server: got %v", err)
	}
}

func TestBookingDefaults(t *testing.T) {
	c, err := (&loader{file: "test.yaml", env: os.LookupEnv}).parse([]byte(soundConfig))
	must(t, err)
	b := c.Booking
	if b.offered() || b.Status != "proposed" || b.Notice != 2*time.Hour || b.Ahead != 720*time.Hour || b.Patience != 2*time.Minute {
		t.Errorf("got %+v", b)
	}
	c, err = (&loader{file: "test.yaml", env: os.LookupEnv}).parse([]byte(soundConfig + strings.Replace(bookable, "title: {en: Scan}", "title: {en: Scan, xx: Skan}", 1)))
	must(t, err)
	if _, err = loadJourneys(c); err == nil || !strings.Contains(err.Error(), `booking.services[1].title.xx: unknown language "xx"`) {
		t.Errorf("a title in a language that nobody speaks: got %v", err)
	}
}
