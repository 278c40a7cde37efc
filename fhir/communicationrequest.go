package fhir

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// RequestStatus is how far a request is
// (https://hl7.org/fhir/R4/valueset-request-status.html).
type RequestStatus string

// The codes of RequestStatus.
const (
	RequestDraft          RequestStatus = "draft"
	RequestActive         RequestStatus = "active"
	RequestOnHold         RequestStatus = "on-hold"
	RequestRevoked        RequestStatus = "revoked"
	RequestCompleted      RequestStatus = "completed"
	RequestEnteredInError RequestStatus = "entered-in-error"
	RequestUnknown        RequestStatus = "unknown"
)

var requestStatuses = set(RequestDraft, RequestActive, RequestOnHold, RequestRevoked, RequestCompleted, RequestEnteredInError, RequestUnknown)

// TemplateSystem is the code system of CommunicationRequest.category whose codes
// are the names of the bridge's templates.
const TemplateSystem = "https://fhirbridge.dev/template"

// CommunicationRequest asks for a message to be sent
// (https://hl7.org/fhir/R4/communicationrequest.html).
//
// FHIR does not say how a request names a template and its parameters, so this is
// the bridge's convention, made of elements that each server keeps:
//
//	"category": [{"coding": [{"system": "https://fhirbridge.dev/template", "code": "clinic_closed"}]}],
//	"payload":  [{"contentString": "date=Tuesday, March 9"}, {"contentString": "place=House 2"}]
//
// One category names the template; each payload that is a string gives a
// parameter, whose name (a-z, 0-9, _) ends at the first "=". All behind that is
// the value, as it is. A request that names no template is read as well: its
// strings are words (Texts).
type CommunicationRequest struct {
	base
	view               communicationRequestView
	subject, requester Reference
	from, until        DateTime
	template           string
	parameters         []Parameter
}

// Parameter is a value for a template. It prints without the value, which may be
// patient data.
type Parameter struct{ Name, Value string }

// Format implements fmt.Formatter and hides the value.
func (p Parameter) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, p.Name+"=[private]") }

// LogValue implements slog.LogValuer and hides the value.
func (p Parameter) LogValue() slog.Value { return slog.StringValue(p.Name + "=[private]") }

// MarshalText implements encoding.TextMarshaler and hides the value: lists are
// logged as JSON.
func (p Parameter) MarshalText() ([]byte, error) { return []byte(p.Name + "=[private]"), nil }

type communicationRequestView struct {
	fhir.OtherCommunicationRequest
	Identifier       []Identifier  `json:"identifier"`
	Status           string        `json:"status"` // samply reads a missing one as draft
	Priority         string        `json:"priority"`
	Payload          []payloadView `json:"payload"` // samply writes all three choices
	Subject          *reference    `json:"subject"`
	About            []reference   `json:"about"`
	Requester        *reference    `json:"requester"`
	Recipient        []reference   `json:"recipient"`
	OccurrencePeriod *periodView   `json:"occurrencePeriod"`
	BasedOn          skipped       `json:"basedOn"`
	Replaces         skipped       `json:"replaces"`
	GroupIdentifier  *Identifier   `json:"groupIdentifier"`
	Encounter        skipped       `json:"encounter"`
	Sender           skipped       `json:"sender"`
	Text             skipped       `json:"text"`
	Extension        skipped       `json:"extension"`
}

var communicationRequestMembers = []string{"identifier", "status", "priority", "doNotPerform", "category", "payload", "subject",
	"about", "requester", "recipient", "groupIdentifier", "occurrenceDateTime", "occurrencePeriod"}

func decodeCommunicationRequest(s source) (Resource, error) {
	c := &CommunicationRequest{base: s.base}
	err := fill(s, &c.view)
	if err == nil {
		err = c.check(s)
	}
	if err == nil {
		err = c.readTemplate(s)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *CommunicationRequest) check(s source) error {
	err := code(s, "status", c.Status(), requestStatuses)
	if err != nil {
		return err
	}
	if !priorities[c.view.Priority] {
		return s.at("priority", RuleUnknownCode)
	}
	if c.subject, err = target(s, "subject", c.view.Subject); err != nil {
		return err
	}
	if c.requester, err = target(s, "requester", c.view.Requester); err != nil {
		return err
	}
	if c.from, c.until, err = period(s, "occurrencePeriod", c.view.OccurrencePeriod); err != nil {
		return err
	}
	if c.view.OccurrenceDateTime != nil {
		c.from, err = dateTime(s, "occurrenceDateTime", c.view.OccurrenceDateTime)
	}
	return err
}

// readTemplate reads what the convention says. Whoever names a template means the
// bridge: what then does not fit is told, and not sent as words.
func (c *CommunicationRequest) readTemplate(s source) error {
	for i, category := range c.Categories() {
		for _, coding := range category.Codings {
			switch {
			case coding.System != TemplateSystem || coding.Code == c.template && c.template != "":
			case c.template != "" || !isParameterName(coding.Code):
				return s.at("category["+strconv.Itoa(i)+"]", RuleBadTemplate)
			default:
				c.template = coding.Code
			}
		}
	}
	if c.template == "" {
		return nil
	}
	seen := map[string]bool{}
	for i, p := range c.view.Payload {
		if p.ContentString == nil {
			continue
		}
		name, given, ok := strings.Cut(*p.ContentString, "=")
		if !ok || !isParameterName(name) || seen[name] {
			return s.at("payload["+strconv.Itoa(i)+"].contentString", RuleBadTemplate)
		}
		seen[name] = true
		c.parameters = append(c.parameters, Parameter{Name: name, Value: given})
	}
	return nil
}

// isParameterName reports whether s can be the name of a template or a parameter.
func isParameterName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// Status is never empty. Only an active request is to be sent.
func (c *CommunicationRequest) Status() RequestStatus { return RequestStatus(c.view.Status) }

// StatusReason is why it has that status; empty if nobody said.
func (c *CommunicationRequest) StatusReason() Concept { return concept(c.view.StatusReason) }

// Identifiers are the business identifiers of the request.
func (c *CommunicationRequest) Identifiers() []Identifier { return c.view.Identifier }

// DoNotPerform reports whether it asks that this be not sent.
func (c *CommunicationRequest) DoNotPerform() bool { return value(c.view.DoNotPerform) }

// Priority is routine, urgent, asap, stat or "".
func (c *CommunicationRequest) Priority() string { return c.view.Priority }

// Categories are what kind of message it is, the template among them.
func (c *CommunicationRequest) Categories() []Concept { return concepts(c.view.Category) }

// Subject is the patient; zero if absent.
func (c *CommunicationRequest) Subject() Reference { return c.subject }

// Recipients are to whom it shall go.
func (c *CommunicationRequest) Recipients() []Reference { return parsedAll(c.view.Recipient, c.base) }

// Requester is who asks; zero if absent.
func (c *CommunicationRequest) Requester() Reference { return c.requester }

// About are the resources that the message is about.
func (c *CommunicationRequest) About() []Reference { return parsedAll(c.view.About, c.base) }

// Group is by what the requests of one occasion belong together; zero if by nothing.
func (c *CommunicationRequest) Group() Identifier { return value(c.view.GroupIdentifier) }

// From is when it shall be sent, or from when on; absent if nobody said: at once.
func (c *CommunicationRequest) From() DateTime { return c.from }

// Until is until when it may be sent; absent if nobody said.
func (c *CommunicationRequest) Until() DateTime { return c.until }

// Template is the name of the template, "" if it names none.
func (c *CommunicationRequest) Template() string { return c.template }

// Parameters are the values for the template, each name once, in the order
// written. None if it names no template.
func (c *CommunicationRequest) Parameters() []Parameter { return c.parameters }

// Texts are the strings of the payload as they are. They may be patient data.
func (c *CommunicationRequest) Texts() []string { return texts(c.view.Payload) }
