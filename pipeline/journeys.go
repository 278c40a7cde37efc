package pipeline

import (
	"fhirbridge/fhir"
	"slices"
	"time"
)

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
	// Told are the patients who have been sent anything about the subject, or may have: a send is under way, or its outcome unknown.
	Told []string
	// Said are the notifications about it that have gone out, or may have. It is known only to who decides
	// and understands, not to who makes words.
	Said []Said
	// Replying are the answers to replies that are planned and not begun. It is known as Said is.
	Replying []Notification
}

// ToldOf reports whether a patient has been sent anything about the subject, or may have.
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
	// Identity goes into the message: see Message.Identity. The words do not depend on it.
	Identity Private
	// Window says whether the 24 hours after the patient's last message are open.
	Window bool
	// Plain says that the message goes by SMS: the words alone, and nothing that must not go that way.
	Plain bool
	// With are other notifications of the step to the patient, which the message is to say as well.
	With []Companion
	Now  time.Time
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
	// Neutral is set for what says nothing of the patient.
	Neutral bool
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
	// Antecedents are what it may be about where neither a token nor a quote says so, the newest first: see Outcome.Antecedent.
	// Those of the row of a list are there, too, if that list is about nothing itself.
	Antecedents []Antecedent
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
	// Proxies are who was told last in the stead of each of Patients, "" for the patient. A mother of two is two
	// RelatedPersons.
	Proxies []string
	// Proxy is whose number it is if not the patient's own: the RelatedPerson who was told last, where the number has been
	// told about one patient only; "" for the patient, or nobody knows.
	Proxy string
	// Stopped reports whether the number is on the STOP list.
	Stopped bool
	// Language is that of the last message sent to the number, "" if none. Chosen is the one that its owner
	// has chosen.
	Language, Chosen string
	// Unverified is since when the number may be somebody else's; zero if there is no doubt, or this reply's Try removes it.
	// Doubt is why, if this very reply tells of it.
	Unverified time.Time
	Doubt      Reason
	// Guesses is how often somebody of whom no more is known than Reply.UserID was wrong about who they are.
	Guesses int
	// Told returns the patients whom a number was told about, and how often strangers were wrong about its owner. nil if
	// nobody can tell.
	Told func(number Private) (patients []string, wrong int)
	// Disowns is set if the owner of the number has ever said of a patient that it is not theirs.
	Disowns bool
	// Disowning is set for who files it if this reply says so: it is about the patient, and by nobody who is known.
	Disowning bool
	// Urgent is set for who files it if people are to see to it at once.
	Urgent bool
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
	// Doubt is why who has got it may be somebody else than was meant, if what is heard of it tells so.
	Doubt Reason
	// Fate is what has become of it, for who files it.
	Fate Fate
}

// Outcome is what comes of a reply.
type Outcome struct {
	// Reading is how the reply was understood: confirm, cancel, stop, start, text, stale, unclear …
	Reading string
	// Antecedent is which of Thread.Antecedents the reply is about, counted from 1; 0 leaves the thread as it is.
	Antecedent int
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
	// Unsure reports whether Stop is said by who may be somebody else: it holds for the number, and nothing is filed of the patient.
	Unsure bool
	// Handoff asks people to look at it: a code for the Task, "" for none. Urgent is the Task's priority.
	Handoff string
	Urgent  bool
	// Try is kept if the reply was an answer to who the patient is.
	Try *Try
	// Guess is kept if the reply of somebody whom nobody knows says who they are.
	Guess *Guess
	// Filed is what is filed as the words of the reply, where those must not be; empty if they may.
	Filed Private
	// Language is the one in which the number is to be written to from now on, "" leaves it.
	Language string
	// Disowns are the patients of whom nothing more is to go to the number: it is not theirs.
	Disowns []string
}

// OnlySays reports whether what is said is all that comes of the reply: nothing is decided, kept or handed to people, and who
// does not get it believes that something was.
func (o Outcome) OnlySays() bool {
	return o.Answer == nil && o.Decision == nil && o.Survey == nil && o.Wish == nil && o.Stop == nil && o.Handoff == "" && o.Guess == nil &&
		o.Language == "" && len(o.Disowns) == 0
}

// Plan is what is wanted for a subject.
type Plan struct {
	Wanted []Notification
	// Errands are what people are to do, once each.
	Errands []Errand
	// Writes are the Errands as they are owed to the sinks. Whoever calls the ledger makes them.
	Writes []Write
	// Bookings are the appointments that a visit which takes place goes back to: their changes change its plan. Whoever calls
	// the ledger names them.
	Bookings []Booking
}

// Booking is an appointment, and the version of it from which was planned, if that came along and is not the kept one.
type Booking struct {
	Ref  string
	From Stamp
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
