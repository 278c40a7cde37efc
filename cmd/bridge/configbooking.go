package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// BookingConfig is the booking block: what patients may ask for and move themselves. Without it people are asked.
type BookingConfig struct {
	// Status is that of the Appointment that is created for a time that was chosen: proposed or pending.
	Status string `yaml:"status"`
	// Reschedule lets patients move a visit to a free time of the same people and place.
	Reschedule bool `yaml:"reschedule"`
	// Notice is how long before its start a time can be had at the latest, Ahead how far ahead times are offered.
	Notice time.Duration `yaml:"notice"`
	Ahead  time.Duration `yaml:"ahead"`
	// Patience is how long the FHIR server may take to answer a patient until people take over.
	Patience time.Duration `yaml:"patience"`
	// Services are what can be booked, in the order in which they are offered.
	Services []ServiceConfig `yaml:"services"`
}

// ServiceConfig is an entry of booking.services.
type ServiceConfig struct {
	// Name is what people read in the Task.
	Name string `yaml:"name"`
	// Title is what patients read, by language.
	Title map[string]string `yaml:"title"`
	// ServiceTypes and Specialties are codes of Slots, as system|code; Schedules are references. One of the three at least.
	ServiceTypes []string `yaml:"service_types"`
	Specialties  []string `yaml:"specialties"`
	Schedules    []string `yaml:"schedules"`
	// Timezone is where it is; that of the facility without it.
	Timezone string `yaml:"timezone"`
}

func (b *BookingConfig) defaults() {
	b.Status = cmp.Or(b.Status, string(fhir.AppointmentProposed))
	b.Notice = cmp.Or(b.Notice, 2*time.Hour)
	b.Patience = cmp.Or(b.Patience, 2*time.Minute)
	b.Ahead = cmp.Or(b.Ahead, 30*24*time.Hour)
}

// offered reports whether anything can be booked or moved.
func (b BookingConfig) offered() bool { return b.Reschedule || len(b.Services) > 0 }

// maxServices is how many fit into a list, beside the row for something else.
const maxServices = 9

func (b BookingConfig) validate(sinks []pipeline.Sink, rungs []pipeline.Rung) error {
	var errs []error
	if b.Status != string(fhir.AppointmentProposed) && b.Status != string(fhir.AppointmentPending) {
		errs = append(errs, errors.New("status: must be proposed or pending"))
	}
	if b.Notice < 0 {
		errs = append(errs, errors.New("notice: must not be negative"))
	}
	if b.Ahead <= b.Notice || b.Ahead > 366*24*time.Hour {
		errs = append(errs, errors.New("ahead: must be more than notice, and 8784h at most"))
	}
	if b.Patience < time.Second || b.Patience > time.Hour {
		errs = append(errs, errors.New("patience: must be from 1s to 1h"))
	}
	if b.offered() && !slices.Contains(sinks, pipeline.SinkServer) {
		errs = append(errs, errors.New("services: need server among fhir.write_to: that is where free times are found"))
	}
	if b.Reschedule && !slices.Contains(rungs, pipeline.RungPatch) && !slices.Contains(rungs, pipeline.RungStatus) {
		errs = append(errs, errors.New("reschedule: needs patch or status in fhir.appointment_writeback: that is how a visit is moved"))
	}
	if len(b.Services) > maxServices {
		errs = append(errs, fmt.Errorf("services: must be at most %d: a list has no more rows", maxServices))
	}
	names := map[string]bool{}
	for i, s := range b.Services {
		errs = append(errs, under(fmt.Sprintf("services[%d]", i), s.validate())...)
		if names[s.Name] {
			errs = append(errs, fmt.Errorf("services[%d].name: is there twice", i))
		}
		names[s.Name] = true
	}
	return errors.Join(errs...)
}

var (
	serviceName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	searchCode  = regexp.MustCompile(`^([^\s|]*\|)?[^\s|]+$`)
)

func (s ServiceConfig) validate() error {
	var errs []error
	if !serviceName.MatchString(s.Name) {
		errs = append(errs, errors.New("name: required, lower-case letters, digits and underscores, at most 40"))
	}
	if len(s.Title) == 0 {
		errs = append(errs, errors.New("title: required, as in {en: Check-up}; patients read it"))
	}
	for tag, title := range s.Title {
		if n := utf8.RuneCountInString(title); n == 0 || n > 24 {
			errs = append(errs, fmt.Errorf("title.%s: must be of 1 to 24 characters", tag))
		}
	}
	if len(s.ServiceTypes)+len(s.Specialties)+len(s.Schedules) == 0 {
		errs = append(errs, errors.New("service_types: required, or specialties or schedules: by one of them its free times are found"))
	}
	for name, codes := range map[string][]string{"service_types": s.ServiceTypes, "specialties": s.Specialties} {
		for i, code := range codes {
			if !searchCode.MatchString(code) {
				errs = append(errs, fmt.Errorf("%s[%d]: must be a code, as in system|code", name, i))
			}
		}
	}
	for i, ref := range s.Schedules {
		if r, ok := fhir.ParseReference(ref); !ok || r.Type != "Schedule" || r.ID == "" {
			errs = append(errs, fmt.Errorf("schedules[%d]: must be a reference, as in Schedule/12", i))
		}
	}
	if _, err := time.LoadLocation(s.Timezone); err != nil || s.Timezone == "Local" {
		errs = append(errs, errors.New("timezone: not a name of the IANA time zone database"))
	}
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// journeys is the block as the journeys have it.
func (b BookingConfig) journeys() journey.Booking {
	out := journey.Booking{Reschedule: b.Reschedule, Status: b.Status, Notice: b.Notice, Ahead: b.Ahead, Patience: b.Patience}
	for _, s := range b.Services {
		service := journey.Service{Name: s.Name, Titles: s.Title, Types: s.ServiceTypes, Specialties: s.Specialties, Schedules: s.Schedules}
		if s.Timezone != "" {
			service.Timezone, _ = time.LoadLocation(s.Timezone) // validate has found it
		}
		out.Services = append(out.Services, service)
	}
	return out
}
