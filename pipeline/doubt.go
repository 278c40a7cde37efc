package pipeline

import (
	"time"

	"fhirbridge/fhir"
)

// Doubt is the provider's word that a number may be somebody else's by now: its owner has another one, or has it
// on another phone, or it was given to somebody new.
type Doubt struct {
	// Why is DoubtNumber or DoubtIdentity.
	Why Reason
	// Number is the one that the owner has now, empty if the provider does not say.
	Number Private
}

// Why a number is in doubt; they are codes of Tasks, too.
const (
	DoubtNumber   Reason = "number_changed"
	DoubtIdentity Reason = "identity_changed"
)

// codeIdentity is Meta's code of a message that was not delivered because its recipient's identity key is another one.
const codeIdentity = "137000"

// Doubtful reports whether a message failed because the number may be somebody else's.
func (r Receipt) Doubtful() bool { return r.State == Failed && r.Code == codeIdentity }

// Doubtful reports whether a message was refused because the number may be somebody else's.
func (s Settlement) Doubtful() bool { return s.State == Failed && s.Code == codeIdentity }

// doubt is why who has got a message, or was to get it, may be somebody else; "" if there is no doubt.
func (m SentMessage) doubt() Reason {
	if m.Doubt == "" && m.Fate.State == Failed && m.Fate.Code == codeIdentity {
		return DoubtIdentity
	}
	return m.Doubt
}

// Vouched reports whether the hospital has said since a moment that a number is that of a person: by a version of
// their record that is newer, and has it. The moment is the provider's, in whole seconds.
func Vouched(record fhir.Resource, number Private, since, now time.Time, country string) bool {
	own := ""
	switch r := record.(type) {
	case *fhir.Patient:
		if r != nil {
			own, _ = r.Phone(now, country)
		}
	case *fhir.RelatedPerson:
		if r != nil {
			own, _ = r.Phone(now, country)
		}
	}
	return own != "" && NewPrivate(own).Equal(number) && record.Header().LastUpdated.After(since.Add(time.Second))
}

// Doubted returns the writes of a Task for each patient who was told by a number that may be somebody else's by now. Where
// nobody was, people get one all the same: what is planned may go to it.
func (f Filing) Doubted(r Reply, t Thread) []Write {
	patients := t.Patients
	if len(patients) == 0 {
		patients = []string{""}
	}
	var writes []Write
	for _, patient := range patients {
		writes = append(writes, f.doubted(t.Doubt, patient, t.ownerFor(patient), r.ID, r.Received, r.Text.Reveal())...)
	}
	return writes
}

func (f Filing) doubted(why Reason, patient, owner, cause string, at time.Time, words string) []Write {
	return f.task(fhir.TaskDraft{
		Code:    "WhatsApp: " + spoken(string(why)),
		Codings: []fhir.Coding{{System: SystemTask, Code: string(why)}},
		Reason: "The number may be somebody else's by now. Nothing about the patient goes to it until the record " +
			"has been saved again, with the number that is right.",
		Description: words,
		For:         reference(patient),
		Focus:       reference(owner),
		AuthoredOn:  at,
	}, "doubt", cause+" "+patient, queue(patient, cause))
}
