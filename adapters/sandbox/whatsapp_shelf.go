package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// shelf holds the account's templates. What stands on it is replaced and never
// changed, so that whoever has found one may read it without the lock.
type shelf struct {
	mu     sync.RWMutex
	serial int
	all    map[string]*Template   // by name and language
	gone   map[string]time.Time   // when one of this name and language was deleted
	made   []time.Time            // creations over the API
	edits  map[string][]time.Time // of approved templates, by id
}

func newShelf() *shelf {
	return &shelf{all: map[string]*Template{}, gone: map[string]time.Time{}, edits: map[string][]time.Time{}}
}

func shelfKey(name, language string) string { return name + " " + language }

// find returns the template, nil if there is none.
func (s *shelf) find(name, language string) *Template {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.all[shelfKey(name, language)]
}

func (s *shelf) byID(id string) *Template {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, t := range s.all {
		if t.ID == id {
			return t
		}
	}
	return nil
}

// list returns all of them, by name and language.
func (s *shelf) list() []*Template {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]*Template, 0, len(s.all))
	for _, t := range s.all {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *Template) int {
		return strings.Compare(shelfKey(a.Name, a.Language), shelfKey(b.Name, b.Language))
	})
	return all
}

// add puts t on the shelf with an id, if there is none of this name and language.
func (s *shelf) add(t Template) (Template, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := shelfKey(t.Name, t.Language)
	if s.all[key] != nil {
		return t, false
	}
	s.serial++
	setDefault(&t.ID, strconv.Itoa(1_000_000_000_000_000+s.serial))
	s.all[key] = &t
	return t, true
}

// change replaces a template by what f makes of a copy of it, unless f refuses.
func (s *shelf) change(name, language string, f func(*Template) *apiError) (Template, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.all[shelfKey(name, language)]
	if before == nil {
		return Template{}, refusal(100, "there is no template %s in %s", name, language)
	}
	after := *before
	if e := f(&after); e != nil {
		return after, e
	}
	s.all[shelfKey(name, language)] = &after
	return after, nil
}

// Template returns a template of the account as it is now.
func (w *WhatsApp) Template(name, language string) (Template, bool) {
	if t := w.templates.find(name, language); t != nil {
		return *t, true
	}
	return Template{}, false
}

// RemoveTemplate deletes a template, as a person may in WhatsApp Manager. Its
// name cannot be used in this language for 30 days.
func (w *WhatsApp) RemoveTemplate(name, language string) {
	s := w.templates
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, shelfKey(name, language))
	s.gone[shelfKey(name, language)] = w.cfg.Clock()
}

// normal is t in the form in which the API lists it.
func (t Template) normal() Template {
	t.Components = slices.Clone(t.Components)
	for i := range t.Components {
		c := &t.Components[i]
		c.Type, c.Format = strings.ToUpper(c.Type), strings.ToUpper(c.Format)
		if c.Type == "HEADER" && c.Format == "" {
			c.Format = "TEXT"
		}
		c.Buttons = slices.Clone(c.Buttons)
		for j := range c.Buttons {
			c.Buttons[j].Type = strings.ToUpper(c.Buttons[j].Type)
		}
	}
	setDefault(&t.ParameterFormat, "POSITIONAL")
	t.Status, t.ParameterFormat = strings.ToUpper(t.Status), strings.ToUpper(t.ParameterFormat)
	t.Category = strings.ToUpper(t.Category)
	return t
}

// addTemplate puts t on the shelf, as approval would: its text rules are checked.
func (w *WhatsApp) addTemplate(t Template) error {
	t = t.normal()
	setDefault(&t.Status, "APPROVED")
	if err := t.lint(); err != nil {
		return fmt.Errorf("sandbox: template %s (%s): %w", t.Name, t.Language, err)
	}
	if _, ok := w.templates.add(t); !ok {
		return fmt.Errorf("sandbox: template %s (%s): there are two", t.Name, t.Language)
	}
	return nil
}
