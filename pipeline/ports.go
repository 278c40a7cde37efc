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
	// Download fetches a file that a patient sent, whole and as it was sent, of at most limit bytes. It does not retry, and
	// is safe to repeat. Failures are *Error, as Send's but never Unknown: Refused with ReasonFileGone when the provider
	// does not have it any more, with ReasonFileTooLarge when it is larger; Transient with ReasonFileDamaged when it
	// is not what was announced.
	Download(ctx context.Context, m InboundMedia, limit int64) (Media, error)
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
	// Find returns the reference of what Create has made or found with this condition, "" if there is none. A server
	// that cannot be searched that way has Refused.
	Find(ctx context.Context, resourceType, ifNoneExist string) (ref string, err error)
	// FreeSlots returns times that are free, the earliest first, one for each start, as many as q wants. A server that
	// cannot be searched that way has Refused.
	FreeSlots(ctx context.Context, q SlotSearch) ([]Slot, error)
	// Ping reads the server's CapabilityStatement.
	Ping(ctx context.Context) error
}

// DocumentSource is where documents and consents are that did not come along.
type DocumentSource interface {
	// Content returns what is at a URL, as that type: the bytes, or those in a Binary. The URL is relative to the FHIR
	// server's base, or absolute. One that is not on the server's own host is Refused with reason ReasonForeignHost and never
	// asked, nor is a redirect there followed; more than most bytes are Refused with reason ReasonTooLarge.
	Content(ctx context.Context, url, contentType string, most int) ([]byte, error)
	// Consents returns the active Consents of a patient as the server has them now, all of them.
	Consents(ctx context.Context, patient string) ([]*fhir.Consent, error)
}

// Reasons of DocumentSource.Content.
const (
	ReasonForeignHost = "foreign_host"
	ReasonTooLarge    = "too_large"
)

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
	// Said are the notifications about it that have gone out, or may have. It is known only to who decides
	// and understands, not to who makes words.
	Said []Said
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
	// Language is the one that the owner of the number has chosen, "" if none.
	Language string
	// Window says whether the 24 hours after the patient's last message are open.
	Window bool
	Now    time.Time
}

// Composed is a message to be sent, or the reason why there is none.
type Composed struct {
	Message Message
	// Actions says what the message's tokens mean: number n is Actions[n-1].
	Actions []string
	// Choices, Shown, Awaits and Once go into the Attempt.
	Choices []string
	Shown   string
	Awaits  bool
	Once    []string
	// Attach is the document that the message carries, nil for none. It is fetched and stored before the message is sent.
	Attach *Attach
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
	// Tries are the answers to who they are of the patient of Sent, if that is about a report.
	Tries Tries
	// Patients are the patients whom this number has been told about; more than one for a family's phone.
	Patients []string
	// Proxy is whose number it is if not the patient's own: the RelatedPerson who was told last, where the number has been
	// told about one patient only; "" for the patient, or nobody knows.
	Proxy string
	// Stopped reports whether the number is on the STOP list.
	Stopped bool
	// Language is that of the last message sent to the number, "" if none. Chosen is the one that its owner
	// has chosen.
	Language, Chosen string
	// Disowns is set if the owner of the number has said of a patient that it is not theirs.
	Disowns bool
	// Lookup finds other resources. nil if not known.
	Lookup func(ref string) fhir.Resource
	Now    time.Time
}

// SentMessage is a message of ours.
type SentMessage struct {
	Attempt      Attempt
	Notification Notification
	// Action is what the tapped button of it means, "" if none was tapped; Choice is what a tapped row stands for.
	Action, Choice string
	// Fate is what has become of it, for who files it.
	Fate Fate
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
	// Survey is what of a survey it answers, nil if nothing.
	Survey *SurveyAnswer
	// Wish is what is wanted of the free times, if anything is.
	Wish *Wish
	// Plan is what remains wanted for the subject after the answer; nil leaves the plan as it is.
	Plan *Plan
	// Stop puts the number on the STOP list (true) or takes it off (false); nil leaves it. A word that is
	// older than the last one changes nothing, and then Say is not said.
	Stop *bool
	// Handoff asks people to look at it: a code for the Task, "" for none. Urgent is the Task's priority.
	Handoff string
	Urgent  bool
	// Try is kept if the reply was an answer to who the patient is.
	Try *Try
	// Filed is what is filed as the words of the reply, where those must not be; empty if they may.
	Filed Private
	// Language is the one in which the number is to be written to from now on, "" leaves it.
	Language string
	// Disowns are the patients of whom nothing more is to go to the number: it is not theirs.
	Disowns []string
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
	// Version is that of the subject which it is about, if that matters.
	Version string
	// Why says more, "" for nothing.
	Why Reason
}

// Directory finds resources that were seen on a topic or fetched before.
type Directory interface {
	// Resource returns the newest kept version; ok is false if there is none or it was deleted.
	Resource(ctx context.Context, ref string) (v Versioned, ok bool, err error)
}
