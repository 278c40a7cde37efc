package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"fhirbridge/fhir"
)

// Decoder takes FHIR events out of a Kafka record.
type Decoder interface {
	// Decode returns the events of one record, oldest version first. A faulty part
	// of a record does not hide its sound parts: they are returned together with an
	// error (joined, each an *Error of kind Malformed). A type that FHIR R4 does not have is
	// a fault (unknown_type): it may be a mistake in one that is read. It does no I/O.
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
	// The id lives for the provider's time (Meta: 30 days, tyntec: a day). Safe to repeat.
	Upload(ctx context.Context, m Media) (string, error)
	// Download fetches a file that a patient sent, whole and as it was sent, of at most limit bytes. It does not retry, and
	// is safe to repeat. Failures are *Error, as Send's but never Unknown: Refused with ReasonFileGone when the provider
	// does not have it any more, with ReasonFileTooLarge when it is larger; Transient with ReasonFileDamaged when it
	// is not what was announced.
	Download(ctx context.Context, m InboundMedia, limit int64) (Media, error)
}

// StatusSource is a Channel that can be asked what became of a message. Not every provider can.
type StatusSource interface {
	// Statuses returns what the provider knows of a message, by its own id of it (Receipt.MessageID), as receipts. It does
	// not retry. Failures are *Error: Refused for a message that it does not know (any more).
	Statuses(ctx context.Context, messageID string) ([]Receipt, error)
}

// Webhook understands what a provider posts back. It keeps nothing.
type Webhook interface {
	// Signed reports whether the request carries a signature at all, well formed; only then is its body read.
	Signed(header http.Header) bool
	// Verify checks that the provider signed this raw body; in constant time, before any parsing.
	Verify(header http.Header, body []byte) bool
	// Handshake answers the provider's subscription check; ok is false if the token is wrong.
	Handshake(query url.Values) (challenge string, ok bool)
	// Split returns a body as it is put on Kafka: one part for each person whom it is about, with their updates in the body's
	// order; at least one. A body about one person is a part as it is. All parts together hold all that the body holds.
	Split(body []byte) []InboundPart
	// Parse returns everything in a body. What it does not know is named in
	// Updates.Others and is no error; only a body that is not the provider's at all is Malformed.
	Parse(body []byte, received time.Time) (Updates, error)
}

// InboundPart is what of a webhook's body is about one person.
type InboundPart struct {
	// Key is a keyed digest of the person, for the record's key, so that their updates stay in order; "" if nobody is named. It
	// reveals no number.
	Key  string
	Body []byte
}

// Format implements fmt.Formatter and hides the body.
func (InboundPart) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, hidden) }

// MarshalText implements encoding.TextMarshaler, and with it JSON, and hides the body.
func (InboundPart) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue implements slog.LogValuer and hides the body.
func (InboundPart) LogValue() slog.Value { return slog.StringValue(hidden) }

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
	// Update writes a resource as a whole if the version is still the given one. It fails as Patch does.
	Update(ctx context.Context, ref, version string, body []byte) error
	// Post creates body, whatever is there already. It is not safe to repeat after an Error that is Unknown.
	Post(ctx context.Context, body []byte) (ref string, err error)
	// Search returns what a search finds, all of it. query is in FHIR's words, not yet percent-encoded; it stands in URLs,
	// and holds nothing of a person. A server that cannot be searched that way has Refused.
	Search(ctx context.Context, resourceType, query string) ([]Versioned, error)
	// Declared returns what the server has last declared to take of a type; the zero Declared before it has.
	Declared(resourceType string) Declared
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
	// Stamp tells it apart from other versions, and Loaded is set for one that an initial load brought. Only Directory.Resource
	// tells both.
	Stamp  Stamp
	Loaded bool
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

// Directory finds resources that were seen on a topic or fetched before.
type Directory interface {
	// Resource returns the newest kept version; ok is false if there is none or it was deleted.
	Resource(ctx context.Context, ref string) (v Versioned, ok bool, err error)
}
