package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"fhirbridge/adapters/cloudapi"
	"fhirbridge/pipeline/journey"
)

// snapshot is what an account had, kept in a file so that it can be compared with where Meta is not reached.
type snapshot struct {
	Saved     time.Time           `json:"saved"`
	Templates []cloudapi.Template `json:"templates"`
}

func saveSnapshot(file string, all []cloudapi.Template, now time.Time) error {
	if all == nil {
		all = []cloudapi.Template{}
	}
	raw, err := json.MarshalIndent(snapshot{Saved: now.UTC().Truncate(time.Second), Templates: all}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, append(raw, '\n'), 0o644); err != nil {
		return fmt.Errorf("%s: %s", file, reason(err))
	}
	return nil
}

func readSnapshot(file string) (snapshot, error) {
	var s snapshot
	raw, err := os.ReadFile(file)
	if err != nil {
		return s, problems{{File: file, Text: "cannot be read: " + reason(err)}}
	}
	if json.Unmarshal(raw, &s) != nil || s.Saved.IsZero() || s.Templates == nil {
		return s, problems{{File: file, Text: "is not what bridge templates status --save writes"}}
	}
	return s, nil
}

// checkApproved compares the journeys' templates with a snapshot. The error has a
// problem for each by which no message could be sent; notes tell of what else is different.
func checkApproved(c *Config, book *journey.Book, file string) (notes []string, err error) {
	s, err := readSnapshot(file)
	if err != nil {
		return nil, err
	}
	local, err := localTemplates(book)
	if err != nil {
		return nil, err
	}
	if c.Channels[0].Provider == "tyntec" {
		numbered(local)
	}
	names := map[string]bool{}
	for _, t := range s.Templates {
		names[t.Name] = true
	}
	var found problems
	pairs, _ := pairTemplates(local, s.Templates, templateFiles(c))
	for _, p := range pairs {
		objection, note := p.verdict(names[p.local.Name])
		if objection != "" {
			found = append(found, problem{File: p.file, Text: p.local.Name + " in " + p.local.Language + ": " + objection})
		}
		if note != "" {
			notes = append(notes, p.file+": "+p.local.Name+" in "+p.local.Language+": "+note)
		}
	}
	if len(found) > 0 {
		found = append(found, problem{File: file, Text: "is of " + s.Saved.Format(time.DateOnly) + "; bridge templates status --save brings it up to date"})
		return notes, found
	}
	return notes, nil
}

// verdict says why no message can be sent by the template, and in what else Meta's is different.
func (p pairing) verdict(named bool) (objection, note string) {
	switch {
	case p.meta == nil && named:
		return "Meta has the template, but not in this language", ""
	case p.meta == nil:
		return "Meta has no such template", ""
	case p.meta.Status != "APPROVED":
		return "not approved, but " + p.meta.Status, ""
	}
	var shape, words []string
	for _, d := range p.found {
		if d.Breaks {
			shape = append(shape, d.Path)
		} else {
			words = append(words, d.Path)
		}
	}
	if len(shape) > 0 {
		objection = "of another shape than approved: " + strings.Join(shape, ", ")
	}
	if len(words) > 0 {
		note = "other than approved: " + strings.Join(words, ", ")
	}
	return objection, note
}
