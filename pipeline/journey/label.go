package journey

import (
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
