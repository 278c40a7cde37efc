package fhir

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// QuestionnaireResponseDraft is what a patient answered in a survey
// (https://hl7.org/fhir/R4/questionnaireresponse.html). It prints without its content.
type QuestionnaireResponseDraft struct {
	// Identifier makes it findable, and its creation repeatable. R4 takes one only.
	Identifier Identifier
	// Questionnaire is the canonical URL of the questions, with "|version" where
	// it has one; "" if the EHR has none.
	Questionnaire string
	// Status is completed, in-progress, amended or stopped (given up half-way); required.
	Status string
	// Subject is the Patient.
	Subject Reference
	// Source is who answered, the Patient or a RelatedPerson; Author who wrote it down.
	Source, Author Reference
	// Encounter is the visit that is asked about. R4 has no place for an Appointment.
	Encounter Reference
	// Authored is when it was answered, written in UTC.
	Authored time.Time
	// Answers are in the order of the questions.
	Answers []SurveyAnswer
}

// SurveyAnswer is the answer to one question: a score or words. One that is
// neither is left out.
type SurveyAnswer struct {
	// LinkID is the question's in the Questionnaire; required.
	LinkID string
	// Question is what was asked, in words; may be "".
	Question string
	// Score is 1 to 5; 0 if the answer is words.
	Score int
	// Words are the patient's own.
	Words string
}

// Format implements fmt.Formatter and hides the content.
func (QuestionnaireResponseDraft) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprint(s, "[QuestionnaireResponse draft]")
}

// LogValue implements slog.LogValuer and hides the content.
func (QuestionnaireResponseDraft) LogValue() slog.Value {
	return slog.StringValue("[QuestionnaireResponse draft]")
}

// Format implements fmt.Formatter and hides the content.
func (SurveyAnswer) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, "[survey answer]") }

// LogValue implements slog.LogValuer and hides the content.
func (SurveyAnswer) LogValue() slog.Value { return slog.StringValue("[survey answer]") }

// MarshalText implements encoding.TextMarshaler and hides the content: lists are
// logged as JSON.
func (SurveyAnswer) MarshalText() ([]byte, error) { return []byte("[survey answer]"), nil }

type questionnaireResponseOut struct {
	ResourceType string `json:"resourceType"`
	fhir.OtherQuestionnaireResponse
	Identifier *Identifier `json:"identifier,omitempty"`
	Status     string      `json:"status"`
}

var responseStatuses = set("in-progress", "completed", "amended", "stopped")

// JSON writes the resource, valid R4. The error is *Error and says what the
// draft lacks or holds wrongly.
func (d QuestionnaireResponseDraft) JSON() ([]byte, error) {
	w := &writer{resource: "QuestionnaireResponse"}
	out := questionnaireResponseOut{
		ResourceType: "QuestionnaireResponse",
		Status:       required(w, "status", d.Status, responseStatuses),
	}
	if d.Identifier.Value != "" {
		out.Identifier = &d.Identifier
	}
	out.Questionnaire = nonEmpty(d.Questionnaire)
	out.Subject = w.reference("subject", d.Subject)
	out.Source = w.reference("source", d.Source, "Patient", "Practitioner", "PractitionerRole", "RelatedPerson")
	out.Author = w.reference("author", d.Author,
		"Device", "Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Organization")
	out.Encounter = w.reference("encounter", d.Encounter, "Encounter")
	out.Authored = w.time(d.Authored)
	for i, answer := range d.Answers {
		if item, ok := answer.item(w, "item["+strconv.Itoa(i)+"]"); ok {
			out.Item = append(out.Item, item)
		}
	}
	return w.json(out)
}

// item writes the answer; ok is false if there is none.
func (a SurveyAnswer) item(w *writer, element string) (item fhir.QuestionnaireResponseItem, ok bool) {
	answer := fhir.QuestionnaireResponseItemAnswer{ValueString: w.text(element+".answer[0].valueString", a.Words)}
	switch {
	case a.Score < 0 || a.Score > 5 || a.Score != 0 && answer.ValueString != nil:
		w.fail(element+".answer[0]", RuleBadValue)
	case a.Score == 0 && answer.ValueString == nil:
		return item, false
	case a.Score != 0:
		answer.ValueInteger = &a.Score
	}
	if strings.TrimSpace(a.LinkID) == "" {
		w.fail(element+".linkId", RuleMissing)
	}
	item = fhir.QuestionnaireResponseItem{
		LinkId: a.LinkID, Text: w.text(element+".text", a.Question),
		Answer: []fhir.QuestionnaireResponseItemAnswer{answer},
	}
	return item, true
}
