package journey

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// Settings say where the facility is and how it is called.
type Settings struct {
	// Facility is the name by which patients know it.
	Facility string
	// Timezone is where it is; the last resort for a visit that does not say where it is itself.
	Timezone *time.Location
	// Language is a BCP-47 tag: the last resort for a patient who has none that is spoken.
	Language string
	// Country is its ISO 3166-1 alpha-2 code; it decides how dates are written in a language of several countries.
	Country string
	// Phone is for templates that show it; "" if none does.
	Phone string
	// Portal is the address of the facility's portal, for templates that show it; "" for none.
	Portal string
	// Documents are what may be sent as a file.
	Documents Documents
	// Emergency is what people dial in an emergency; for templates that show it.
	Emergency string
	// Hours are when people read what patients write, by the clock of Timezone; always if there are none. Holidays
	// are days on which nobody does.
	Hours    []Opening
	Holidays []pipeline.Holiday
	// Fields and Conditions are what an engineer has defined, by name.
	Fields     map[string]Field
	Conditions map[string]Condition
	// Booking says what patients may book and move themselves.
	Booking Booking
	// Maps are the pictures of places, by a reference as Location/1 or an identifier as system|value.
	Maps map[string]string
	// Parse makes of a resource as JSON what Fields and Conditions read. It is called at most once for a version
	// that a journey looks at, and only where one of them is used. It must be set if there are any.
	Parse func(raw []byte) (any, error)
}

// Book is all journeys and templates, read and compiled. It never changes and
// is safe for concurrent use.
type Book struct {
	settings  Settings
	journeys  map[string]*journey
	byType    map[string][]*journey
	templates map[string]*template
	languages []string // of all templates
	calendars map[string]calendar
	months    map[string]map[string]int // by language, folded
	zones     *zones
	// replies is the journey on message; nil if there is none.
	replies *journey
	// doings says what each name of an answer does, in whatever journey.
	doings map[string]doing
	// covers names the steps that say what a step says, too.
	covers map[string][]string
}

var _ pipeline.Journeys = (*Book)(nil)

// loader collects a Book and everything that is wrong with it.
type loader struct {
	book     *Book
	problems []Problem
	covering []covering
	heard    []heard
}

// Load reads every *.yaml of both directories. It returns all problems at once,
// in the order of files and lines; the Book is nil if there is any.
func Load(journeys, templates fs.FS, s Settings) (*Book, []Problem) {
	l := &loader{book: &Book{
		settings: s, journeys: make(map[string]*journey), byType: make(map[string][]*journey),
		templates: make(map[string]*template), calendars: loadCalendars(), zones: &zones{}, doings: make(map[string]doing),
	}}
	l.book.months = loadMonths(l.book.calendars)
	l.checkSettings(s)
	l.loadTemplates(templates)
	l.checkBooking()
	l.loadJourneys(journeys)
	l.checkHeard()
	l.checkCovers()
	l.checkHours()
	if len(l.problems) > 0 {
		slices.SortStableFunc(l.problems, func(a, b Problem) int {
			return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		return nil, slices.Compact(l.problems)
	}
	return l.book, nil
}

func (l *loader) checkSettings(s Settings) {
	add := func(key, text string) {
		l.problems = append(l.problems, Problem{Path: "facility." + key, Text: "facility." + key + " " + text})
	}
	if strings.TrimSpace(s.Facility) == "" {
		add("name", "is missing")
	}
	if s.Timezone == nil {
		add("timezone", "is missing")
		l.book.settings.Timezone = time.UTC
	}
	if err := s.CheckCustom(); err != nil {
		for _, text := range strings.Split(err.Error(), "\n") {
			key, _, _ := strings.Cut(text, ":")
			l.problems = append(l.problems, Problem{Path: key, Text: text})
		}
	}
	switch {
	case s.Language == "":
		add("language", "is missing")
	case calendars[baseOf(s.Language)] == nil:
		add("language", unknown("language", baseOf(s.Language), sortedKeys(calendars)))
	}
}

// sources lists the YAML files of a directory.
func (l *loader) sources(fsys fs.FS, dir string) []*source {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		l.problems = append(l.problems, Problem{File: dir, Text: unread(err)})
		return nil
	}
	var list []*source
	for _, e := range entries {
		if ext := path.Ext(e.Name()); !e.IsDir() && (ext == ".yaml" || ext == ".yml") {
			list = append(list, &source{fsys: fsys, name: e.Name(), file: dir + "/" + e.Name(), problems: &l.problems})
		}
	}
	if len(list) == 0 {
		l.problems = append(l.problems, Problem{File: dir, Text: "holds no .yaml file"})
	}
	return list
}

// unread says why something cannot be read, without the path that the file system has for it.
func unread(err error) string {
	var where *fs.PathError
	if errors.As(err, &where) {
		err = where.Err
	}
	return "cannot be read: " + err.Error()
}

// Needs implements pipeline.Journeys: the patients, if anything could be planned for them.
func (b *Book) Needs(r fhir.Resource) []string {
	if r == nil {
		return nil
	}
	s := b.scene(r, pipeline.Known{}, nil, time.Time{})
	var refs []string
	for _, p := range s.patients() {
		s.who, s.status = p.ref, p.status
		wanted := slices.ContainsFunc(b.byType[r.Header().Type], func(j *journey) bool {
			if j.asked != nil {
				return active(s.request()) && j.asked.wrong(s) == "" && !j.silent(s)
			}
			return !j.silent(s) && slices.ContainsFunc(j.steps, func(st *step) bool { return st.when.holds(s) })
		})
		if wanted && !strings.HasPrefix(p.ref, "#") { // a contained one is at hand
			refs = append(refs, p.ref)
		}
	}
	return refs
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
