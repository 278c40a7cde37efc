package pipeline

import "time"

// WriteKind is what a Write does.
type WriteKind string

const (
	// WriteCreate creates Body if no resource with the same identifier exists.
	WriteCreate WriteKind = "create"
	// WriteFollow brings the resource that the write Answers has created to what Body, the whole of it, says now. As long
	// as it is pending a newer one of the same key takes its place; done, it may be owed again.
	WriteFollow WriteKind = "follow"
	// WriteFinal creates Body as WriteCreate does, but not before NotBefore. As long as it is pending a newer one of the same
	// key takes its place, with its own NotBefore; done, it is not owed again.
	WriteFinal WriteKind = "final"
	// WriteRequest lets the status of a CommunicationRequest follow what has become of its messages.
	WriteRequest WriteKind = "request"
	// WriteDecision carries a patient's decision into the appointment, down the configured ladder.
	WriteDecision WriteKind = "decision"
	// WriteFile puts a file that a patient sent into the chart, once it has been fetched.
	WriteFile WriteKind = "file"
	// WriteWish brings what a patient wants of the free times to the server.
	WriteWish WriteKind = "wish"
)

// Sink is where a Write goes.
type Sink string

const (
	// SinkServer is the FHIR server.
	SinkServer Sink = "server"
	// SinkTopic is the communications topic on Kafka.
	SinkTopic Sink = "topic"
	// SinkFiles holds what is still to be fetched: nothing else waits for it.
	SinkFiles Sink = "files"
)

// Write is one FHIR write owed. Its key makes it happen once: inserting a Write
// whose key the ledger has seen changes nothing.
type Write struct {
	// Key is deterministic: what is written, from what, to which sink.
	Key  string
	Kind WriteKind
	Sink Sink
	// Order names the queue it stands in, usually the patient: writes of one
	// queue and sink are done one after the other, in the order of insertion.
	Order string
	// Whose is the sender of what nobody knows yet whose it is: then the ledger keeps the order by sender, and not by Order. It
	// is not handed out again.
	Whose Private
	// Type is the FHIR type of Body.
	Type string
	// Body is the resource as JSON, for WriteCreate and WriteFollow.
	Body Private
	// Of is set for one whose Body is made when it is written: it is the id of the attempt of which that is the record. Message is
	// what the ledger knows of that when it hands the write out, nil if it knows no such attempt.
	Of      string
	Message *SentMessage
	// IfNoneExist is the search that finds the resource if it exists already:
	// "identifier=system|value", not yet percent-encoded.
	IfNoneExist string
	// Answers is the key of the write whose resource Body.inResponseTo means, or Body.focus of a Task, "" if none.
	// When that one has been created, its reference is put there; else its identifier stands. For WriteFollow it is
	// the write that creates what is followed.
	Answers string
	// Thread is the same for Body.partOf: the key of the write that creates the header of the conversation.
	Thread string
	// Sender is a number whose patient is not known: before the write, the FHIR server is
	// asked whose it is, and one certain answer becomes Body.sender and Body.subject.
	Sender Private
	// Decision is the patient's decision, for WriteDecision.
	Decision *Decision
	// File is what is to be fetched, for WriteFile.
	File *SentFile
	// Wish is what a patient wants of the free times, for WriteWish.
	Wish *Wish

	// NotBefore is when it may be tried at the earliest, for WriteFinal.
	NotBefore time.Time

	// Refused is since when the server has refused it each time as somebody who may take that back does, zero if it has not.
	Refused time.Time
	// Tries, Created and Begun are the ledger's. Begun is when a try was begun of which nobody knows how it ended; see
	// Ledger.BeginWrite.
	Tries   int
	Created time.Time
	Begun   time.Time
}

// Decision is what a patient decided about an appointment.
type Decision struct {
	// Appointment and Patient are references: "Appointment/1", "Patient/7".
	Appointment, Patient string
	// Status is the participant status: accepted, declined or tentative.
	Status string
	// Visit is the status of the appointment itself that the patient wants: cancelled or arrived; "" for none.
	// Where the EHR does not let a patient decide that, Status is carried into it and people are asked.
	Visit string
	// Until is when Visit makes no sense any more.
	Until time.Time
	// Done is what the patient is told when Visit has happened, Asked when people have been asked for it.
	Done, Asked []Notification
	// Start is the start the patient saw. If the appointment has another one by
	// now, the decision is not about it, and people are told.
	Start time.Time
	// Was is the participant status at the moment of the answer: if it is another
	// one by now, a person has changed it since, and nothing is overwritten.
	Was string
	// Ours is the participant status that the patient's decision before this one makes, "" if there is
	// none: that is no change by a person either.
	Ours string
	// Reply is the provider's id of the message that decided.
	Reply string
	At    time.Time
}
