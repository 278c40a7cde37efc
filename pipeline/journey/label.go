package journey

import (
	"bytes"
	"encoding/json"
	"strings"

	"fhirbridge/fhir"
)

// systemConfidentiality is the code system whose codes are too short to be taken for what
// they are in any other (https://hl7.org/fhir/R4/security-labels.html).
const systemConfidentiality = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"

// sensitive are codes of v3-ActCode that call for care: kinds of information that
// harm when they are disclosed, handling instructions, and laws that protect.
var sensitive = codes(`HIV STD ETH SUD ETHUD OPIOIDUD PSY MH BH PSYTHPN SDV SEX VIO GDIS SCA ADOL SPI CEL DIA PHY PRS
	TBOO NOPAT NODSCLCD NODSCLCDS REDACT MASK 42CFRPart2 HIPAAPsyNotes`)

// restricted are the codes of v3-Confidentiality above "normal", with the deprecated
// ones that name a kind of information.
var restricted = codes(`R V ETH HIV PSY SDV C S T`)

// withheld are the codes that keep a subject from the patient until a person releases it.
var withheld = codes(`NOPAT TBOO`)

func codes(list string) map[string]bool {
	set := make(map[string]bool)
	for _, c := range strings.Fields(list) {
		set[c] = true
	}
	return set
}

func (s *scene) labelledAs(is func(fhir.Coding) bool) bool {
	for _, c := range s.security() {
		if is(c) {
			return true
		}
	}
	return false
}

// test reports whether the subject is test data: nobody is ever told about that.
func (s *scene) test() bool {
	return s.labelledAs(func(c fhir.Coding) bool { return c.Code == "HTEST" })
}

// sensitive reports whether any label asks for more care than "normal".
func (s *scene) sensitive() bool {
	return s.labelledAs(func(c fhir.Coding) bool {
		return sensitive[c.Code] || restricted[c.Code] && (c.System == "" || c.System == systemConfidentiality)
	})
}

// withheld reports whether the patient must not learn of it from a message.
func (s *scene) withheld() bool {
	return s.labelledAs(func(c fhir.Coding) bool {
		return withheld[c.Code] || c.Code == "V" && (c.System == "" || c.System == systemConfidentiality)
	})
}

// security returns the labels of the subject and of what it contains.
func (s *scene) security() []fhir.Coding {
	if s.labelled || s.subject == nil {
		return s.labels
	}
	s.labelled = true
	for _, a := range s.bookings() { // what it was booked as says what it is about
		s.labels = append(s.labels, labelsOf(a.Raw())...)
	}
	raw := s.subject.Raw()
	if s.report != nil && bytes.Contains(raw, []byte(`"security"`)) {
		s.labels = s.report.Labels()
		return s.labels
	}
	s.labels = append(s.labels, labelsOf(raw)...)
	return s.labels
}

// labelsOf reads the labels of a resource.
func labelsOf(raw []byte) []fhir.Coding {
	if !bytes.Contains(raw, []byte(`"security"`)) {
		return nil
	}
	var r struct {
		Meta struct {
			Security []fhir.Coding `json:"security"`
		} `json:"meta"`
	}
	_ = json.Unmarshal(raw, &r) // labels that cannot be read are none; the views refuse a malformed meta
	return r.Meta.Security
}
