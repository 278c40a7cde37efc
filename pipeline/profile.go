package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Profile says what a FHIR server takes of what R4 has, and how its answers are to be read. It is data: configs/profiles
// has those that the bridge comes with, and a site can write its own. The zero Profile is that of a server that takes
// what R4 has; what else it does not take is learned from what it declares and answers.
type Profile struct {
	Name string `yaml:"profile"`
	// Writes is server, or topic where the server takes nothing: then everything goes to Kafka.
	Writes Sink `yaml:"writes"`
	// Communication is how messages are written.
	Communication CommunicationProfile `yaml:"communication"`
	// Tasks is how people are asked: "" for a Task, message for a Communication as the profile has it.
	Tasks string `yaml:"tasks"`
	// Decision is how a patient's decision is carried into an Appointment by PATCH.
	Decision DecisionProfile `yaml:"decision"`
	// Answers are the statuses of the server, as "409", that are to be read in another way than R4 has them.
	Answers map[string]Reading `yaml:"answers"`
}

// CommunicationProfile is what a server takes of a Communication. What is left out of the elements is said in the text.
type CommunicationProfile struct {
	// Record is follow (the default): created at once, and its status follows; or final: created once, when the outcome
	// is known or Wait is over.
	Record string        `yaml:"record"`
	Wait   time.Duration `yaml:"wait"`
	// Elements are all that it may have; everything if there are none. Without partOf there are no thread headers.
	Elements []string `yaml:"elements"`
	// Statuses that are taken on create. What has another one gets the first, and the text says what became of it.
	Statuses []string `yaml:"statuses"`
	// Categories that are taken, one of them; what has none of them gets the first. Priorities likewise, but may be absent.
	Categories []CodeProfile `yaml:"categories"`
	Priorities []string      `yaml:"priorities"`
	// Sender and Recipient are the types of who must stand there, by configuration and whoever wrote it; as it is if empty.
	Sender    []string `yaml:"sender"`
	Recipient []string `yaml:"recipient"`
	// Payload is "" for one text each as it is, or attachment for a single one of text/plain.
	Payload string `yaml:"payload"`
	// Unidentified is set where the server keeps no identifier: then topic.text holds our key, and nothing else tells one
	// message from another. Find is the search by which it can be found then, with {category}, {recipient} and {since}
	// in it, and Settle how long after an unclear outcome that search can be trusted. Without Find a person decides.
	Unidentified bool          `yaml:"unidentified"`
	Find         string        `yaml:"find"`
	Settle       time.Duration `yaml:"settle"`
}

// CodeProfile is a code that a server takes.
type CodeProfile struct {
	System string `yaml:"system"`
	Code   string `yaml:"code"`
}

// DecisionProfile is how a decision is patched.
type DecisionProfile struct {
	// Path is where it goes; "" is the participant status, /participant/n/status.
	Path string `yaml:"path"`
	// Values are what can be said there; any if there are none.
	Values []string `yaml:"values"`
	// Untested is set where the server knows no "test" of RFC 6902. If-Match alone guards the patch then.
	Untested bool `yaml:"untested"`
}

// Reading is what an answer of the server means for a change.
type Reading string

// The readings.
const (
	ReadConflict Reading = "conflict" // somebody has changed it since: it is read again
	ReadWait     Reading = "wait"     // somebody has it open: it is tried again later
	ReadRefused  Reading = "refused"  // it is not taken in this way: the next one is tried
	ReadPeople   Reading = "people"   // a person has to decide
)

// The words of a profile.
const (
	RecordFinal       = "final"
	TasksMessage      = "message"
	PayloadAttachment = "attachment"
)

// readings are how R4's answers are read, if a profile says nothing else (https://hl7.org/fhir/R4/http.html#concurrency).
// Servers say 409 where R4 says 412.
var readings = map[string]Reading{"409": ReadConflict, "412": ReadConflict, "423": ReadWait}

// reading is what an answer to a change means; "" for a failure that may pass.
func (p Profile) reading(err error) Reading {
	var e *Error
	if !errors.As(err, &e) {
		return ""
	}
	read, known := p.Answers[e.Code]
	if !known {
		read, known = readings[e.Code]
	}
	switch _, final := refusal(err); {
	case known:
		return read
	case final:
		return ReadRefused
	}
	return ""
}

// Validate returns every problem at once, each beginning with its key.
func (p Profile) Validate() error {
	var errs []error
	must := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	c := p.Communication
	must(p.Name != "", "profile: required, its name")
	must(slices.Contains([]Sink{"", SinkServer, SinkTopic}, p.Writes), "writes: must be server or topic")
	must(slices.Contains([]string{"", "follow", RecordFinal}, c.Record), "communication.record: must be follow or final")
	must(c.Wait >= 0 && (c.Wait > 0) == (c.Record == RecordFinal), "communication.wait: belongs to record: final, and must be above 0")
	must(slices.Contains([]string{"", PayloadAttachment}, c.Payload), "communication.payload: must be attachment, or absent")
	must(slices.Contains([]string{"", TasksMessage}, p.Tasks), "tasks: must be message, or absent")
	must(len(c.Statuses) == 0 || c.Record == RecordFinal, "communication.statuses: needs record: final, for the status could not follow")
	must(!c.Unidentified || c.Record == RecordFinal, "communication.unidentified: needs record: final")
	must(c.Find == "" || c.Unidentified, "communication.find: needs unidentified")
	must((c.Settle > 0) == (c.Find != ""), "communication.settle: belongs to find, and must be above 0")
	must(len(c.Elements) == 0 || slices.Contains(c.Elements, "status"), "communication.elements: must hold status, which R4 requires")
	must(!c.Unidentified || len(c.Elements) == 0 || slices.Contains(c.Elements, "topic"), "communication.elements: must hold topic, for unidentified")
	must(p.Decision.Path == "" || strings.HasPrefix(p.Decision.Path, "/"), "decision.path: must be a JSON Pointer, as in /status")
	for code, reading := range p.Answers {
		must(len(code) == 3 && code[0] == '4', "answers.%s: must be a status from 400 to 499", code)
		must(slices.Contains([]Reading{ReadConflict, ReadWait, ReadRefused, ReadPeople}, reading), "answers.%s: must be conflict, wait, refused or people", code)
	}
	return errors.Join(errs...)
}
