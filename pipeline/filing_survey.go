package pipeline

import (
	"fhirbridge/fhir"
)

// SurveyAnswer is a patient's answer to one question of a survey.
type SurveyAnswer struct {
	// Key makes it happen once: the first answer to a question about a visit counts. It is derived as a notification's is.
	Key string
	// Question is what it answers, by the name of the item in Questionnaire, which is the canonical URL of the
	// questions; "" if the EHR has none.
	Question, Questionnaire string
	// Subject is the visit, an Encounter or an Appointment, Patient whose it is.
	Subject, Patient string
	// Score is from 1 to 5; 0 if the words of the reply are the answer.
	Score int
}

// Survey returns the writes of a QuestionnaireResponse for an answer. R4 has a place for an Encounter in it, and none for
// an Appointment: that is where the reply's own Communication is about.
// https://hl7.org/fhir/R4/questionnaireresponse.html
func (f Filing) Survey(r Reply, t Thread, a SurveyAnswer) []Write {
	by := decided("survey", a.Key)
	answer := fhir.SurveyAnswer{LinkID: a.Question, Score: a.Score}
	if a.Score == 0 {
		answer.Words = payload(r)
	}
	draft := fhir.QuestionnaireResponseDraft{
		Identifier:    by,
		Questionnaire: a.Questionnaire,
		Status:        "completed",
		Subject:       reference(a.Patient),
		Source:        sender(r, t, a.Patient),
		Author:        fhir.Reference{Type: "Organization", Display: f.Facility},
		Authored:      r.At,
		Answers:       []fhir.SurveyAnswer{answer},
	}
	if visit := reference(a.Subject); visit.Type == "Encounter" {
		draft.Encounter = visit
	}
	body, err := draft.JSON()
	return f.writes("survey", a.Key, "QuestionnaireResponse", by, queue(a.Patient, r.ID), body, err, nil)
}
