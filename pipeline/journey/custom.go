package journey

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"fhirbridge/fhir"
)

// Field is one that an engineer defines, beyond those that are built in. It is empty for a sensitive visit or report.
type Field struct {
	// Of is the type of resource that has it: Appointment or DiagnosticReport.
	Of string
	// Class is the class of data that it shows: name, schedule, place, person, facility or instruction.
	Class string
	// Texts reads it from what Settings.Parse has made of the resource; the first text is shown. A fault counts as no text.
	Texts func(parsed any, now time.Time) ([]string, error)
}

// Condition is one that an engineer defines.
type Condition struct {
	// Of is the type of resource that it is about.
	Of string
	// Holds says whether it holds for what Settings.Parse has made of the resource. When it fails neither
	// the condition nor its contrary holds: in doubt nothing is said.
	Holds func(parsed any, now time.Time) (bool, error)
}

// conditionName is what can stand in a "when" between its and.
var conditionName = regexp.MustCompile(`^[a-z0-9_-]+( [a-z0-9_-]+)*$`)

// CheckCustom returns everything that is wrong with the fields and conditions that an engineer defines, each
// problem beginning with its key as in "fields.room.class: …". What they evaluate is not looked at.
func (s Settings) CheckCustom() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	types := sortedKeys(listed)
	for _, name := range sortedKeys(s.Fields) {
		f := s.Fields[name]
		if _, taken := fields[name]; taken {
			add("fields.%s: is built in", name)
		} else if !plainName.MatchString(name) {
			add("fields.%s: must be lower-case letters, digits and underscores, at most 40", name)
		}
		if !slices.Contains(types, f.Of) {
			add("fields.%s.of: %s", name, unknown("type", f.Of, types))
		}
		if !slices.Contains(classes, f.Class) {
			add("fields.%s.class: %s", name, unknown("class", f.Class, classes))
		}
	}
	for _, name := range sortedKeys(s.Conditions) {
		c := s.Conditions[name]
		words := strings.Fields(name)
		switch {
		case !conditionName.MatchString(name) || len(name) > 60 || slices.Contains(words, "and") || words[0] == "not":
			add(`conditions.%s: must be words of lower-case letters and digits, at most 60, without "and", and not begin with "not"`, name)
		case phrasesOf(c.Of)[name].holds != nil:
			add("conditions.%s: is built in", name)
		case words[0] == "became" || len(words) == 3 && words[1] == "in":
			add(`conditions.%s: reads as something else: "became …" happens, and "… in …" asks a list`, name)
		}
		if !slices.Contains(types, c.Of) {
			add("conditions.%s.of: %s", name, unknown("type", c.Of, types))
		}
	}
	return errors.Join(errs...)
}

// parse returns what custom fields and conditions read, made once for the scene.
func (s *scene) parse(how func([]byte) (any, error)) (any, error) {
	if !s.parsed.done {
		s.parsed.done = true
		s.parsed.of, s.parsed.err = how(s.subject.Raw())
	}
	return s.parsed.of, s.parsed.err
}

// parsed is what Settings.Parse has made of a subject.
type parsed struct {
	done bool
	of   any
	err  error
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
	how := b.settings.Parse
	return field{class: class(c.Class), of: c.Of, read: func(w *writer) string {
		if w.subject == nil || w.sensitive() {
			return ""
		}
		resource, err := w.parse(how)
		if err != nil {
			return ""
		}
		texts, err := c.Texts(resource, w.now)
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
func (v vocabulary) custom(settings *Settings, on string) {
	how := settings.Parse
	for name, c := range settings.Conditions {
		if c.Of != on {
			continue
		}
		is := func(s *scene, want bool) bool {
			resource, err := s.parse(how)
			if err != nil {
				return false
			}
			holds, err := c.Holds(resource, s.now)
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
	typeRequest: {
		"category": func(s *scene) []fhir.Concept { return s.request().Categories() },
		"requester": func(s *scene) []fhir.Concept {
			return []fhir.Concept{{Codings: []fhir.Coding{{Code: s.request().Requester().String()}}}}
		},
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
