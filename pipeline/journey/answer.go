package journey

import "fhirbridge/fhir"

// doing is what an answer does.
type doing string

// What an answer can do.
const (
	doAccept  doing = "accept"  // the patient will come
	doDecline doing = "decline" // the patient cannot come
	doCancel  doing = "cancel"  // the patient does not want the visit any more
	doChange  doing = "change"  // the patient wants another time
	doArrive  doing = "arrive"  // the patient is here
	doAsk     doing = "ask"     // nothing yet: the reply is a question, with answers of its own
	doNote    doing = "note"    // it is filed
	doTask    doing = "task"    // it is filed, and people are asked to act on it
	doScore   doing = "score"   // it is filed as a score from 1 to 5
	doWords   doing = "words"   // it is filed as the words that go with a score, and people read them
	doBook    doing = "book"    // the patient wants an appointment: free times are offered, or people are asked
	doEach    doing = "each"    // each visit of a digest is shown by itself
	doStop    doing = "stop"    // no more messages
	doStart   doing = "start"   // messages again
	// The patient wants the report sent, and says who they are.
	doSend     doing = "send"
	doIdentify doing = "identify"
	doSpeak    doing = "speak"  // the language of messages is another one
	doDisown   doing = "disown" // the number is not the patient's: nothing more of them goes there
)

// participations are what of the patient's participation an answer makes
// (https://hl7.org/fhir/R4/valueset-participationstatus.html).
var participations = map[doing]string{
	doAccept: fhir.ParticipantAccepted, doArrive: fhir.ParticipantAccepted, doDecline: fhir.ParticipantDeclined,
	doCancel: fhir.ParticipantDeclined, doChange: fhir.ParticipantTentative,
}

// statuses are what of the visit itself an answer makes, where the EHR lets a patient decide that.
var statuses = map[doing]fhir.AppointmentStatus{
	doCancel: fhir.AppointmentCancelled, doArrive: fhir.AppointmentArrived,
}

// answer is what a button or a word means.
type answer struct {
	name string
	do   doing
	// reply is said at once. done is said instead when the EHR has taken what the answer does, and asked when
	// people have been asked to do it; they are nil for an answer that has a reply.
	reply, done, asked *template
	// services, slots and taken let choose what to book and when, and when else; nil where people are always asked.
	services, slots, taken *template
	// site is the map of the place that is sent beside the reply where there is one, nil for none.
	site *template
	// of is the question that it answers, nil if it may be given at any time.
	of *answer
	// scale is the question that a score answers, and value the score; low is the highest of which people are told.
	scale      *answer
	value, low int
	// urgent is the priority of what people are asked to do.
	urgent bool
	// words mean answers to the question that the reply of this one is, and anything else free, if it is there.
	words words
	free  *answer
	// said are what is said to a date of birth; nil for any other answer.
	said *identified
	// choices are the languages that one who asks for another is offered; language is that of such a choice, and
	// title how it calls itself.
	choices         []*answer
	language, title string
}

// answer returns an answer by its name; nil if there is none.
func (j *journey) answer(name string) *answer {
	if j == nil {
		return nil
	}
	return j.answers[name]
}

// words are what patients write, by language ("any" for all) and folded.
type words map[string]map[string]*answer

// add takes a word in unless it has another meaning in the language already; then it returns that.
func (w words) add(tag, word string, a *answer) *answer {
	for _, other := range []string{tag, anyLanguage} {
		if meant := w[other][word]; meant != nil && meant != a {
			return meant
		}
	}
	if w[tag] == nil {
		w[tag] = make(map[string]*answer)
	}
	w[tag][word] = a
	return nil
}

// meant returns what a text means as a word in one of the languages; nil if it is none.
func (w words) meant(word string, languages []string) *answer {
	if word == "" {
		return nil
	}
	if a := w[anyLanguage][word]; a != nil {
		return a
	}
	for _, tag := range languages {
		if a := w[metaTag(tag)][word]; a != nil {
			return a
		}
		base := baseOf(tag)
		if a := w[base][word]; a != nil {
			return a
		}
		if falseFriends[base] == word {
			return nil
		}
	}
	return nil
}
