package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"time"

	"fhirbridge/pipeline/journey"
)

// ready reads a configuration and its journeys, and returns the problems of both at once. Nothing is opened yet. For forRun the
// files of secrets are read, too: the first that is not there must not hide the others.
func ready(file string, who reader) (*Config, []string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, problems{{File: file, Text: "cannot be read: " + reason(err)}}
	}
	l := &loader{file: file, env: os.LookupEnv, reader: who}
	c := l.read(raw)
	var found problems
	if c != nil {
		if who == forRun {
			l.secrets(c)
		}
		found = l.journeys(c)
	}
	if found = slices.Concat(l.sorted(), found); len(found) > 0 {
		return nil, l.unset, found
	}
	return c, l.unset, nil
}

// secrets reads the files of secrets that validate has not read.
func (l *loader) secrets(c *Config) {
	errs := under("ledger", c.Ledger.CheckFiles())
	for i, entry := range c.Channels {
		if p, ok := providers[entry.Provider]; ok && entry.node != nil {
			errs = append(errs, under(fmt.Sprintf("channels[%d]", i), p.secrets(entry.node))...)
		}
	}
	for _, err := range errs {
		l.at(err)
	}
}

// journeys reads the journeys, whatever else is wrong, and returns the problems of their files. Those of the configuration are noted
// with the others. What follows from another problem is not said.
func (l *loader) journeys(c *Config) problems {
	settings, _ := c.journeySettings() // what is wrong there has been said
	for _, block := range []string{"journeys", "templates", "fields", "conditions"} {
		if l.misreads(block) || l.missing[find(l.root, []string{block})] || l.faulty[block] && settings.CheckCustom() != nil {
			return problems{{File: l.file, Text: "the journeys were not looked at: first mend " + block}}
		}
	}
	if settings.Timezone == nil {
		settings.Timezone = time.UTC
	}
	if l.faulty["facility"] {
		l.assume(&settings)
	}
	book, found := c.openJourneys(settings)
	if len(found) == 0 && !l.faulty["fields"] && !l.faulty["conditions"] { // examples evaluate them
		found = book.RunExamples()
	}
	var files []journey.Problem
	for _, p := range found {
		switch {
		case p.File != "":
			files = append(files, p)
		case p.Path != "facility.language" || settings.Language != "":
			l.place(p.Path, p.Text)
		}
	}
	c.book = book
	return journeyProblems(c, files)
}

// assume fills in what a faulty facility block may lack: templates may show it, and its language need not be the one that was meant.
func (l *loader) assume(s *journey.Settings) {
	for _, text := range []*string{&s.Facility, &s.Phone, &s.Portal, &s.Emergency} {
		*text = cmp.Or(*text, "-")
	}
	if l.misreads("facility") || find(l.root, []string{"facility", "language"}) == nil {
		s.Language = ""
	}
}
