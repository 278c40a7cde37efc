package fhir

import (
	"strconv"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// CommunicationStatus is what became of a message
// (https://hl7.org/fhir/R4/valueset-event-status.html).
type CommunicationStatus string

// The codes of CommunicationStatus.
const (
	CommunicationPreparation    CommunicationStatus = "preparation"
	CommunicationInProgress     CommunicationStatus = "in-progress"
	CommunicationNotDone        CommunicationStatus = "not-done"
	CommunicationOnHold         CommunicationStatus = "on-hold"
	CommunicationStopped        CommunicationStatus = "stopped"
	CommunicationCompleted      CommunicationStatus = "completed"
	CommunicationEnteredInError CommunicationStatus = "entered-in-error"
	CommunicationUnknown        CommunicationStatus = "unknown"
)

var communicationStatuses = set(CommunicationPreparation, CommunicationInProgress, CommunicationNotDone, CommunicationOnHold,
	CommunicationStopped, CommunicationCompleted, CommunicationEnteredInError, CommunicationUnknown)

// Communication is a message that was sent or received
// (https://hl7.org/fhir/R4/communication.html). CommunicationDraft writes one.
type Communication struct {
	base
	view            communicationView
	subject, sender Reference
	sent, received  DateTime
}

type communicationView struct {
	fhir.OtherCommunication
	Identifier      []Identifier  `json:"identifier"`
	Status          string        `json:"status"`  // samply reads a missing one as preparation
	Payload         []payloadView `json:"payload"` // samply writes all three choices
	Priority        skipped       `json:"priority"`
	Subject         *reference    `json:"subject"`
	Sender          *reference    `json:"sender"`
	Recipient       []reference   `json:"recipient"`
	About           []reference   `json:"about"`
	ReasonReference []reference   `json:"reasonReference"`
	InResponseTo    []reference   `json:"inResponseTo"`
	Text            skipped       `json:"text"`
	Extension       skipped       `json:"extension"`
}

type payloadView struct {
	ContentString     *string     `json:"contentString"`
	ContentAttachment *attachment `json:"contentAttachment"`
	ContentReference  *reference  `json:"contentReference"`
}

var communicationMembers = []string{"identifier", "status", "payload", "subject", "sender", "recipient", "about",
	"reasonReference", "inResponseTo", "sent", "received", "category", "topic"}

func decodeCommunication(s source) (Resource, error) {
	c := &Communication{base: s.base}
	if err := fill(s, &c.view); err != nil {
		return nil, err
	}
	if err := c.check(s); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Communication) check(s source) error {
	if err := code(s, "status", c.Status(), communicationStatuses); err != nil {
		return err
	}
	var err error
	if c.subject, err = target(s, "subject", c.view.Subject); err != nil {
		return err
	}
	if c.sender, err = target(s, "sender", c.view.Sender); err != nil {
		return err
	}
	if c.sent, err = dateTime(s, "sent", c.view.Sent); err != nil {
		return err
	}
	c.received, err = dateTime(s, "received", c.view.Received)
	return err
}

// Status is never empty.
func (c *Communication) Status() CommunicationStatus { return CommunicationStatus(c.view.Status) }

// Identifiers are the business identifiers: ours, and the provider's of the message.
func (c *Communication) Identifiers() []Identifier { return c.view.Identifier }

// Categories are what kind of message it is: reminder, notification …
func (c *Communication) Categories() []Concept { return concepts(c.view.Category) }

// Topic is what the message is about in general.
func (c *Communication) Topic() Concept { return concept(c.view.Topic) }

// Subject is the patient; zero if absent.
func (c *Communication) Subject() Reference { return c.subject }

// Sender is who wrote; zero if absent.
func (c *Communication) Sender() Reference { return c.sender }

// Recipients are to whom it was written.
func (c *Communication) Recipients() []Reference { return parsedAll(c.view.Recipient, c.base) }

// About are the resources that the message is about.
func (c *Communication) About() []Reference { return parsedAll(c.view.About, c.base) }

// Reasons are the resources because of which it was sent, reports among them.
func (c *Communication) Reasons() []Reference { return parsedAll(c.view.ReasonReference, c.base) }

// InResponseTo are the messages that this one answers.
func (c *Communication) InResponseTo() []Reference { return parsedAll(c.view.InResponseTo, c.base) }

// Sent is when it was sent; absent if unknown.
func (c *Communication) Sent() DateTime { return c.sent }

// Received is when it arrived; absent if unknown.
func (c *Communication) Received() DateTime { return c.received }

// Texts are the parts of the message that are text.
func (c *Communication) Texts() []string { return texts(c.view.Payload) }

func texts(payload []payloadView) []string {
	var list []string
	for _, p := range payload {
		if p.ContentString != nil {
			list = append(list, *p.ContentString)
		}
	}
	return list
}

// Attachments are the parts of the message that are documents.
func (c *Communication) Attachments() []Attachment {
	var list []Attachment
	for i, p := range c.view.Payload {
		if p.ContentAttachment != nil {
			list = append(list, p.ContentAttachment.attachment("Communication.payload["+strconv.Itoa(i)+"].contentAttachment"))
		}
	}
	return list
}
