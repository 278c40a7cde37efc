package pipeline

import (
	"encoding/json"

	"fhirbridge/fhir"
)

// What identifies a Consent says of which word it has come, whatever people make of it.
const (
	consentOfStop  = "consent"
	consentOfStart = "start"
)

// Consent returns the writes of what a patient has said about being messaged. It denies after STOP, and permits after
// START. https://hl7.org/fhir/R4/consent.html
//
// Of somebody whom nobody knows it is filed with the number; the FHIR server is asked whose that is. Where a
// number is several patients', nobody is asked, and not one of them is guessed.
func (f Filing) Consent(r Reply, t Thread, patient string, stop bool) []Write {
	by, choice := decided(consentOfStart, r.ID), fhir.ChoicePermit
	if stop {
		by, choice = decided(consentOfStop, r.ID), fhir.ChoiceDeny
	}
	body, err := fhir.ConsentDraft{
		Identifiers: []fhir.Identifier{by}, Patient: sender(r, Thread{}, patient), Performer: sender(r, t, patient), Choice: choice, At: r.At,
		Organization: fhir.Reference{Type: "Organization", Display: f.Facility},
	}.JSON()
	return f.writes("consent", r.ID, "Consent", by, queue(patient, r.ID), body, err, func(w *Write) { w.Sender = unknownSender(r, t, patient) })
}

// Disowned returns the writes of a Task for each patient who was told by a number that is not theirs. It is about the
// record that has the number: the patient's, or that of who was told in the patient's stead.
func (f Filing) Disowned(r Reply, t Thread, o Outcome) []Write {
	var writes []Write
	for _, patient := range o.Disowns {
		owner, whose := t.ownerFor(patient), "this patient's"
		if actsForAnother(owner) {
			whose = "that of who acts for this patient"
		}
		writes = append(writes, f.task(fhir.TaskDraft{
			Code:        "WhatsApp: telecom to be corrected",
			Codings:     []fhir.Coding{{System: SystemTask, Code: o.Handoff}},
			Reason:      "The owner of the number says that it is not " + whose + ". Nothing more about the patient goes to it.",
			Description: payload(r),
			For:         reference(patient),
			Focus:       reference(owner),
			AuthoredOn:  r.Received,
		}, "disowned", r.ID+" "+patient, patient)...)
	}
	return writes
}

// unknownSender is the number by which the FHIR server is asked who sent a reply that nobody is known for. Of a number that
// is in the record of somebody who has not got it nobody is asked, nor of one that has been told about patients: it is
// known, but not which of them is meant. The server may know it as that of a mother who is a patient, too, and what she
// writes of her children is none of hers.
func unknownSender(r Reply, t Thread, patient string) Private {
	if patient != "" || t.Disowns || t.Disowning || len(t.Patients) > 0 {
		return Private{}
	}
	return r.From
}

// claim makes a patient the one whose a resource is, and who has made it.
func claim(resourceType string, members map[string]json.RawMessage, patient string) {
	who := map[string]string{"reference": patient}
	one, _ := json.Marshal(who)
	if resourceType == "Consent" {
		members["patient"] = one
		members["performer"], _ = json.Marshal([]map[string]string{who})
		return
	}
	members["sender"], members["subject"] = one, one
}
