package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"fhirbridge/fhir"
)

// Decoder takes FHIR events out of a Kafka record.
type Decoder interface {
	// Decode returns the events of one record, oldest version first. A faulty part
	// of a record does not hide its sound parts: they are returned together with an
	// error (joined, each an *Error of kind Malformed). It does no I/O.
	Decode(value []byte, headers map[string]string, source Source) ([]Event, error)
}

// Channel carries messages to patients.
type Channel interface {
	// Send returns once the provider has taken or refused m. It does not retry.
	// Failures are *Error: Throttled with its wait, Refused with the provider's
	// code, else Transient. Error.Unknown is set unless it is certain that the
	// message did not go out; such an attempt must not be repeated blindly.
	Send(ctx context.Context, m Message) (Receipt, error)
	// Upload stores a file with the provider and returns its id, to be used in messages.
	// The id lives for the provider's time (Meta: 30 days). Safe to repeat.
	Upload(ctx context.Context, m Media) (string, error)
}

// Webhook understands what a provider posts back. It keeps nothing.
type Webhook interface {
	// Signed reports whether the request carries a signature at all, well formed; only then is its body read.
	Signed(header http.Header) bool
	// Verify checks that the provider signed this raw body; in constant time, before any parsing.
	Verify(header http.Header, body []byte) bool
	// Handshake answers the provider's subscription check; ok is false if the token is wrong.
	Handshake(query url.Values) (challenge string, ok bool)
	// OrderKey returns a keyed digest of whom the body is about, for the record's key, so that
	// updates of one person stay in order; "" if it names none. It reveals no number.
	OrderKey(body []byte) string
	// Parse returns everything in a body. What it does not know is named in
	// Updates.Others and is no error; only a body that is not the provider's at all is Malformed.
	Parse(body []byte, received time.Time) (Updates, error)
}

// Publisher puts records on Kafka.
type Publisher interface {
	// Publish returns once the brokers have made the record durable (acks=all).
	// key decides the partition; "" spreads.
	Publish(ctx context.Context, topic, key string, headers map[string]string, value []byte) error
}

// FHIRServer is the EHR's FHIR R4 endpoint.
// https://hl7.org/fhir/R4/http.html
type FHIRServer interface {
	// Read returns the current resource and its version from the server, never from a cache.
	// A resource that does not exist or was deleted is Refused with code 404 or 410.
	Read(ctx context.Context, ref string) (Versioned, error)
	// Lookup is Read through a cache of some minutes, for names and places.
	Lookup(ctx context.Context, ref string) (Versioned, error)
	// PatientsByPhone returns references to the distinct patients that have this E.164 number.
	PatientsByPhone(ctx context.Context, number Private) ([]string, error)
	// Create creates body unless ifNoneExist ("identifier=system|value") finds one, and returns
	// the reference of the created or found resource. It is safe to repeat: after an unclear
	// outcome it searches before it creates.
	Create(ctx context.Context, body []byte, ifNoneExist string) (ref string, err error)
	// Patch applies an RFC 6902 patch if the version is still the given one. Refused with
	// code 409 or 412 means that it is not; 404, 405, 415, 422 and 501 that the server does not take it.
	Patch(ctx context.Context, ref, version string, patch []byte) error
	// Ping reads the server's CapabilityStatement.
	Ping(ctx context.Context) error
}

// Versioned is a resource with its version.
type Versioned struct {
	Resource json.RawMessage
	Version  string
}

// Format implements fmt.Formatter and hides the resource.
func (Versioned) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, hidden) }

// MarshalText implements encoding.TextMarshaler, and with it JSON, and hides the resource.
func (Versioned) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue implements slog.LogValuer and hides the resource.
func (Versioned) LogValue() slog.Value { return slog.StringValue(hidden) }

// Relations knows who may act for a patient.
type Relations interface {
	// RelatedPersons returns every RelatedPerson of a patient ("Patient/7") as the server has them now. Which of them
	// may act for the patient is for others to say.
	RelatedPersons(ctx context.Context, patient string) ([]Versioned, error)
}

// Journeys decides what to say, when, and what answers mean. It is pure: no
// I/O, no clock of its own; the same input gives the same output.
type Journeys interface {
	// Needs tells what Decide must be able to look up before it can decide about r:
	// references of resources without which nothing can be planned (the patients).
	// It is empty for resources that no journey starts from.
	Needs(r fhir.Resource) []string
	// Decide returns every notification that is wanted now for the change's subject,
	// including the planned ones of Change.Known.Open that are still wanted, and what people
	// are to do about it. What is planned and not returned is cancelled.
	Decide(c Change) (Plan, error)
	// Compose puts a notification into words from the newest facts. A Skip says why
	// there is nothing to say (any more).
	Compose(n Notification, f Facts, attempt string) (Composed, error)
	// Understand reads a reply and says what comes of it.
	Understand(r Reply, t Thread) (Outcome, error)
}

// Change is what Decide decides about.
type Change struct {
	// Previous is the version kept until now, nil if this is the first; Current is
	// the new one, nil if the resource was deleted. Both have the same type and id.
	Previous, Current fhir.Resource
	// Version is the version of Current, or what stands for it (lastUpdated) when the feed gives none.
	Version string
	// Known is what the ledger knows of the subject.
	Known Known
	// Lookup finds other resources: of the same event, contained, or kept. nil if not known.
	Lookup func(ref string) fhir.Resource
	// Now is the time of deciding.
	Now time.Time
	// Historic is set for an event that is older than intake.max_age, and for initial
	// loads: what has happened is no news, only what lies ahead is planned.
	Historic bool
}

// Known is what the ledger knows of a subject.
type Known struct {
	// Open are the notifications that are planned and not begun.
	Open []Notification
	// Answers are the last decisions, one of each patient who gave one.
	Answers []Answer
	// Told are the patients who have been sent anything about the subject.
	Told []string
}

// ToldOf reports whether a patient has been sent anything about the subject.
func (k Known) ToldOf(patient string) bool { return slices.Contains(k.Told, patient) }

// AnswerOf returns a patient's last decision, nil if there is none.
func (k Known) AnswerOf(patient string) *Answer {
	for i := range k.Answers {
		if k.Answers[i].Patient == patient {
			return &k.Answers[i]
		}
	}
	return nil
}

// With returns what is known once a patient has decided. k stays as it is.
func (k Known) With(a Answer) Known {
	answers := make([]Answer, 0, len(k.Answers)+1)
	for _, before := range k.Answers {
		if before.Patient != a.Patient {
			answers = append(answers, before)
		}
	}
	k.Answers = append(answers, a)
	return k
}

// Facts is what words are made from, at the moment of sending.
type Facts struct {
	// Subject is the resource that the notification is about; nil for an answer about nothing.
	Subject fhir.Resource
	// Patient is whom it concerns.
	Patient *fhir.Patient
	// Proxy is who gets it in the patient's stead; nil for the patient.
	Proxy *fhir.RelatedPerson
	// Known is what the ledger knows of the subject.
	Known Known
	// Lookup finds other resources. nil if not known.
	Lookup func(ref string) fhir.Resource
	// Window says whether the 24 hours after the patient's last message are open.
	Window bool
	Now    time.Time
}

// Composed is a message to be sent, or the reason why there is none.
type Composed struct {
	Message Message
	// Actions says what the message's tokens mean: number n is Actions[n-1].
	Actions []string
	// Shown and Awaits go into the Attempt.
	Shown  string
	Awaits bool
	// Skip is the reason when there is nothing to send; then Message is empty.
	Skip Reason
}

// Thread is what a reply may be about.
type Thread struct {
	// Sent is the message that the reply answers: by its token, its quote, or because it is the
	// only one that this number could mean. nil if there is none or more than one.
	Sent *SentMessage
	// How says how Sent was found: token, quote, asked (it awaits words, and is the newest message of the
	// last 24 hours), only, or none, several.
	How string
	// From is the sender's number as it is dialled; empty if nobody knows it. Reply.From is how the
	// provider writes it, which may be another form of the same number.
	From Private
	// Subject is the newest kept version of what Sent is about; nil if it is gone or about nothing.
	Subject fhir.Resource
	// SubjectVersion is its version.
	SubjectVersion string
	// Known is what the ledger knows of the subject.
	Known Known
	// Patients are the patients whom this number has been told about; more than one for a family's phone.
	Patients []string
	// Proxy is whose number it is if not the patient's own: the RelatedPerson who was told last, where the number has been
	// told about one patient only; "" for the patient, or nobody knows.
	Proxy string
	// Stopped reports whether the number is on the STOP list.
	Stopped bool
	// Language is that of the last message sent to the number, "" if none.
	Language string
	// Lookup finds other resources. nil if not known.
	Lookup func(ref string) fhir.Resource
	Now    time.Time
}

// SentMessage is a message of ours.
type SentMessage struct {
	Attempt      Attempt
	Notification Notification
	// Action is what the tapped button of it means, "" if none was tapped.
	Action string
	// Failed is set, for whoever files it, if it could not be delivered.
	Failed bool
}

// Outcome is what comes of a reply.
type Outcome struct {
	// Reading is how the reply was understood: confirm, cancel, stop, start, text, stale, unclear …
	Reading string
	// Say are the notifications that answer it, due at once.
	Say []Notification
	// Answer is the decision it carries, if any; it is kept with the subject.
	Answer *Answer
	// Decision is the write-back of it, if any.
	Decision *Decision
	// Plan is what remains wanted for the subject after the answer; nil leaves the plan as it is.
	Plan *Plan
	// Stop puts the number on the STOP list (true) or takes it off (false); nil leaves it. A word that is
	// older than the last one changes nothing, and then Say is not said.
	Stop *bool
	// Handoff asks people to look at it: a code for the Task, "" for none. Urgent is the Task's priority.
	Handoff string
	Urgent  bool
}

// Plan is what is wanted for a subject.
type Plan struct {
	Wanted []Notification
	// Errands are what people are to do, once each.
	Errands []Errand
	// Writes are the Errands as they are owed to the sinks. Whoever calls the ledger makes them.
	Writes []Write
}

// Errand asks people to do something that no message can.
type Errand struct {
	// Key makes it happen once; it is derived as a notification's is.
	Key string
	// Code says what to do, a name of the journey's.
	Code             string
	Subject, Patient string
}

// Directory finds resources that were seen on a topic or fetched before.
type Directory interface {
	// Resource returns the newest kept version; ok is false if there is none or it was deleted.
	Resource(ctx context.Context, ref string) (v Versioned, ok bool, err error)
}
