package fhir

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// ReportStatus is how far a report is
// (https://hl7.org/fhir/R4/valueset-diagnostic-report-status.html).
type ReportStatus string

// The codes of ReportStatus.
const (
	ReportRegistered     ReportStatus = "registered"
	ReportPartial        ReportStatus = "partial"
	ReportPreliminary    ReportStatus = "preliminary"
	ReportFinal          ReportStatus = "final"
	ReportAmended        ReportStatus = "amended"
	ReportCorrected      ReportStatus = "corrected"
	ReportAppended       ReportStatus = "appended"
	ReportCancelled      ReportStatus = "cancelled"
	ReportEnteredInError ReportStatus = "entered-in-error"
	ReportUnknown        ReportStatus = "unknown"
)

var reportStatuses = set(ReportRegistered, ReportPartial, ReportPreliminary, ReportFinal, ReportAmended, ReportCorrected,
	ReportAppended, ReportCancelled, ReportEnteredInError, ReportUnknown)

// DiagnosticReport is a report of findings
// (https://hl7.org/fhir/R4/diagnosticreport.html). Results, conclusions and
// interpretations are not offered: no message holds one.
type DiagnosticReport struct {
	base
	view       reportView
	subject    Reference
	performers []Reference
	effective  DateTime
	issued     time.Time
}

type reportView struct {
	fhir.OtherDiagnosticReport
	Status        string       `json:"status"` // samply reads a missing one as registered
	Subject       *reference   `json:"subject"`
	Performer     []reference  `json:"performer"`
	Interpreter   []reference  `json:"resultsInterpreter"`
	PresentedForm []attachment `json:"presentedForm"`
	Text          skipped      `json:"text"`
	Extension     skipped      `json:"extension"`
	Identifier    skipped      `json:"identifier"`
	Result        skipped      `json:"result"`
	Conclusion    skipped      `json:"conclusion"`
}

var diagnosticReportMembers = []string{"status", "meta", "subject", "category", "code", "issued", "effectiveDateTime", "effectivePeriod", "performer", "resultsInterpreter", "presentedForm"}

func decodeDiagnosticReport(s source) (Resource, error) {
	r := &DiagnosticReport{base: s.base}
	if err := fill(s, &r.view); err != nil {
		return nil, err
	}
	if err := r.check(s); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *DiagnosticReport) check(s source) error {
	if err := code(s, "status", r.Status(), reportStatuses); err != nil {
		return err
	}
	if len(r.view.Code.Coding) == 0 && value(r.view.Code.Text) == "" {
		return s.at("code", RuleMissing)
	}
	var err error
	if r.subject, err = target(s, "subject", r.view.Subject); err != nil {
		return err
	}
	if r.issued, err = instant(s, "issued", r.view.Issued); err != nil {
		return err
	}
	if p := r.view.EffectivePeriod; p != nil {
		if r.effective, err = dateTime(s, "effectivePeriod.start", p.Start); err != nil {
			return err
		}
	}
	if r.view.EffectiveDateTime != nil {
		r.effective, err = dateTime(s, "effectiveDateTime", r.view.EffectiveDateTime)
	}
	r.performers = parsedAll(r.view.Performer, r.base)
	return err
}

// Status is never empty.
func (r *DiagnosticReport) Status() ReportStatus { return ReportStatus(r.view.Status) }

// Subject is whom the report is about; only a Patient is messaged. Zero if absent.
func (r *DiagnosticReport) Subject() Reference { return r.subject }

// Categories say of which kind the report is, usually of v2-0074: LAB, RAD, GE …
func (r *DiagnosticReport) Categories() []Concept { return concepts(r.view.Category) }

// Code is the name of the report, mostly of LOINC. Its words disclose.
func (r *DiagnosticReport) Code() Concept { return concept(&r.view.Code) }

// Issued is when this version was released; zero if absent.
func (r *DiagnosticReport) Issued() time.Time { return r.issued }

// Effective is when the sample was taken or the procedure done, or when that
// began: the date that patients recognise.
func (r *DiagnosticReport) Effective() DateTime { return r.effective }

// Performers are who is responsible for the report.
func (r *DiagnosticReport) Performers() []Reference { return r.performers }

// Interpreters are who has read the results and stands for what they mean. A
// report without may not have been signed off.
func (r *DiagnosticReport) Interpreters() []Reference { return parsedAll(r.view.Interpreter, r.base) }

// Forms are the whole report as documents, each the same in another format.
func (r *DiagnosticReport) Forms() []Attachment {
	var forms []Attachment
	for i := range r.view.PresentedForm {
		forms = append(forms, r.view.PresentedForm[i].attachment("DiagnosticReport.presentedForm["+strconv.Itoa(i)+"]"))
	}
	return forms
}

// Labels are the security labels of the report and of the resources contained in
// it (https://hl7.org/fhir/R4/security-labels.html).
func (r *DiagnosticReport) Labels() []Coding {
	var labels []Coding
	if r.view.Meta != nil {
		labels = codings(r.view.Meta.Security)
	}
	for _, raw := range r.resources() {
		var inner struct {
			Meta struct {
				Security []labelView `json:"security"`
			} `json:"meta"`
		}
		// What is malformed beside the labels does not hide them.
		_ = json.Unmarshal(raw, &inner)
		for _, l := range inner.Meta.Security {
			labels = append(labels, Coding(l))
		}
	}
	return labels
}

type labelView struct {
	System  string `json:"system"`
	Code    string `json:"code"`
	Display string `json:"display"`
}
