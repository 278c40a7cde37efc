package journey

import (
	"strings"
	"time"

	"fhirbridge/fhir"
)

// Field is one that an engineer defines, beyond those that are built in.
type Field struct {
	// Of is the type of resource that has it: Appointment or DiagnosticReport.
	Of string
	// Class is the class of data that it shows: name, schedule, place, person, facility or instruction.
	Class string
	// Texts reads it from a resource as JSON; the first text is shown. A fault counts as no text.
	Texts func(raw []byte) ([]string, error)
}

// Condition is one that an engineer defines.
type Condition struct {
	// Of is the type of resource that it is about.
	Of string
	// Holds says whether it holds for a resource as JSON. When it fails neither the condition nor its
	// contrary holds: in doubt nothing is said.
	Holds func(raw []byte, now time.Time) (bool, error)
}

// field finds a field by its name: a built-in one, or one that the configuration defines.
func (b *Book) field(name string) (field, bool) {
	if f, ok := fields[name]; ok {
		return f, true
	}
	c, ok := b.settings.Fields[name]
	if !ok {
		return field{}, false
	}
	return field{class: class(c.Class), of: c.Of, read: func(w *writer) string {
		if w.subject == nil || w.sensitive() {
			return ""
		}
		texts, err := c.Texts(w.subject.Raw())
		if err != nil || len(texts) == 0 {
			return ""
		}
		return texts[0]
	}}, true
}

func (b *Book) fieldNames() []string {
	return append(sortedKeys(fields), sortedKeys(b.settings.Fields)...)
}

// custom adds the conditions that the configuration defines: "name" and "not name".
func (v vocabulary) custom(conditions map[string]Condition, on string) {
	for name, c := range conditions {
		if c.Of != on {
			continue
		}
		is := func(s *scene, want bool) bool {
			holds, err := c.Holds(s.subject.Raw(), s.now)
			return err == nil && holds == want
		}
		v[name] = phrase{holds: func(s *scene) bool { return is(s, true) }}
		v["not "+name] = phrase{holds: func(s *scene) bool { return is(s, false) }}
	}
}

// listed are what of a subject can be looked for in a list, by the word for it.
var listed = map[string]map[string]func(*scene) []fhir.Concept{
	typeAppointment: {
		"service":   func(s *scene) []fhir.Concept { return s.visit.ServiceTypes() },
		"category":  func(s *scene) []fhir.Concept { return s.visit.ServiceCategories() },
		"specialty": func(s *scene) []fhir.Concept { return s.visit.Specialties() },
		"place":     (*scene).placeNames,
	},
	typeReport: {
		"code":     func(s *scene) []fhir.Concept { return []fhir.Concept{s.report.Code()} },
		"category": func(s *scene) []fhir.Concept { return s.report.Categories() },
	},
}

// placeNames are the references of the places of the visit, as codes without a system.
func (s *scene) placeNames() []fhir.Concept {
	var names []fhir.Concept
	for _, p := range s.participants("Location") {
		names = append(names, fhir.Concept{Codings: []fhir.Coding{{Code: p.Actor.String()}}})
	}
	for l := range s.places() {
		names = append(names, fhir.Concept{Codings: []fhir.Coding{{Code: l.Header().Ref()}}})
	}
	return names
}

// lists adds "service in NAME" and the like for each list of a journey. An item is "system|code",
// "code" in any system, or, for places, "Location/1".
func (v vocabulary) lists(lists value, on string) {
	for _, m := range lists.members() {
		if !plainName.MatchString(m.key) {
			m.problem("must be lower-case letters, digits and underscores, at most 40")
		}
		items := make(map[string]bool)
		for _, item := range m.value.texts() {
			items[strings.TrimSpace(item)] = true
		}
		for what, of := range listed[on] {
			v.condition(what+" in "+m.key, false, func(s *scene) bool {
				for _, c := range of(s) {
					for _, coding := range c.Codings {
						if items[coding.Code] || items[coding.System+"|"+coding.Code] {
							return true
						}
					}
				}
				return false
			})
		}
	}
}
