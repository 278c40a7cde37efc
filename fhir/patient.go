package fhir

import (
	"strconv"
	"strings"
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// Patient is who is cared for (https://hl7.org/fhir/R4/patient.html).
type Patient struct {
	base
	view       patientView
	replaced   bool
	replacedBy Reference
}

type patientView struct {
	fhir.OtherPatient
	Name          []nameView     `json:"name"`
	Telecom       []contactPoint `json:"telecom"`
	Communication []languageView `json:"communication"`
	Link          []linkView     `json:"link"`
	Text          skipped        `json:"text"`
	Extension     skipped        `json:"extension"`
	Photo         skipped        `json:"photo"`
	Identifier    skipped        `json:"identifier"`
	Address       skipped        `json:"address"`
	Contact       skipped        `json:"contact"` // emergency contacts are no proxies
}

type linkView struct {
	Other *reference `json:"other"`
	Type  string     `json:"type"` // samply reads a missing one as replaced-by
}

var patientMembers = []string{"active", "name", "telecom", "deceasedBoolean", "deceasedDateTime", "communication", "link"}

func decodePatient(s source) (Resource, error) {
	p := &Patient{base: s.base}
	if err := fill(s, &p.view); err != nil {
		return nil, err
	}
	for i, link := range p.view.Link {
		element := "link[" + strconv.Itoa(i) + "].other"
		other, err := target(s, element, link.Other)
		switch {
		case link.Type != "replaced-by":
		case err != nil:
			return nil, err
		case link.Other == nil:
			return nil, s.at(element, RuleMissing)
		default:
			p.replaced, p.replacedBy = true, other
		}
	}
	return p, nil
}

// Name is what to call the patient at now: usual before official before others,
// none that is old, maiden or of another time. The zero Name if there is none.
func (p *Patient) Name(now time.Time) Name { return bestName(p.view.Name, now) }

// Active reports whether the record is in use; a record that does not say so is.
func (p *Patient) Active() bool { return p.view.Active == nil || *p.view.Active }

// Deceased reports whether the patient is known to have died: nothing may be sent.
func (p *Patient) Deceased() bool {
	return value(p.view.DeceasedBoolean) || p.view.DeceasedDateTime != nil
}

// ReplacedBy returns the record that has taken this one's place in a merge, and whether one has:
// then this one must no longer be used, also where the reference names nobody that can be found.
// https://hl7.org/fhir/R4/patient.html#links
func (p *Patient) ReplacedBy() (Reference, bool) { return p.replacedBy, p.replaced }

// BirthDate is YYYY, YYYY-MM or YYYY-MM-DD; "" if absent or malformed.
func (p *Patient) BirthDate() string {
	date := value(p.view.BirthDate)
	if d, ok := parseDateTime(date); !ok || d.Precision == Second {
		return ""
	}
	return date
}

// Language is the BCP-47 tag of the language to write in: the first preferred
// one, else the first. "" if none is known; whether it is spoken by our
// templates is for others to match.
func (p *Patient) Language() string { return bestLanguage(p.view.Communication) }

// Phone chooses the number to write to at now and returns it in E.164. country
// is the ISO 3166 code of the facility, in which national numbers are read. The
// rules are at choosePhone.
func (p *Patient) Phone(now time.Time, country string) (e164 string, problem PhoneProblem) {
	return choosePhone(p.view.Telecom, now, country)
}

// languageView is an entry of Patient.communication. samply's own would read as well.
type languageView struct {
	fhir.PatientCommunication
	Extension skipped `json:"extension"`
}

func bestLanguage(list []languageView) string {
	first := ""
	for i := range list {
		tag := languageTag(list[i].Language)
		switch {
		case tag == "":
		case value(list[i].Preferred):
			return tag
		case first == "":
			first = tag
		}
	}
	return first
}

// languageTag returns the BCP-47 code of a concept, else its first code that
// looks like one, in the form "de" or "de-CH". Words, as in "German", are none.
func languageTag(c fhir.CodeableConcept) string {
	found := ""
	for _, coding := range c.Coding {
		tag := strings.ReplaceAll(value(coding.Code), "_", "-")
		primary, _, _ := strings.Cut(tag, "-")
		if len(primary) < 2 || len(primary) > 3 || !isID(tag) || strings.Trim(strings.ToLower(primary), "abcdefghijklmnopqrstuvwxyz") != "" {
			continue
		}
		if value(coding.System) == "urn:ietf:bcp:47" {
			return tag
		}
		if found == "" {
			found = tag
		}
	}
	return found
}
