package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// DocumentsConfig is the documents block: what patients may have sent to them as a file.
type DocumentsConfig struct {
	// Results says whether reports are: off; ask, where the patient wants it; or consent, where a FHIR Consent permits it, too.
	Results string `yaml:"results"`
	// Largest is the most bytes that a document may have.
	Largest int `yaml:"largest"`
	// Tries are how often a patient may be wrong about their date of birth for one report, DailyTries for all within 24 hours.
	Tries      int `yaml:"tries"`
	DailyTries int `yaml:"daily_tries"`
	// Holds is how long it counts that they were right.
	Holds time.Duration `yaml:"holds"`
}

const (
	resultsOff     = "off"
	resultsAsk     = "ask"
	resultsConsent = "consent"

	megabyte = 1 << 20
	// maxPortal is how many characters of a field a message shows.
	maxPortal = 120
)

func (d *DocumentsConfig) defaults() {
	d.Results = cmp.Or(d.Results, resultsOff)
	d.Largest = cmp.Or(d.Largest, 16*megabyte)
	d.Tries = cmp.Or(d.Tries, 3)
	d.DailyTries = cmp.Or(d.DailyTries, 6)
	d.Holds = cmp.Or(d.Holds, 15*time.Minute)
}

// on reports whether any document may be sent.
func (d DocumentsConfig) on() bool { return d.Results == resultsAsk || d.Results == resultsConsent }

// validateDocuments returns every problem of the documents block, and of what it needs elsewhere.
func (c *Config) validateDocuments() []error {
	d := c.Documents
	var errs []error
	if !slices.Contains([]string{resultsOff, resultsAsk, resultsConsent}, d.Results) {
		errs = append(errs, errors.New("documents.results: must be off, ask or consent"))
	}
	if d.Largest < 1024 || d.Largest > 100*megabyte {
		errs = append(errs, errors.New("documents.largest: must be from 1024 to 104857600 bytes, which is the most that WhatsApp takes"))
	}
	if d.Tries < 1 || d.Tries > 5 {
		errs = append(errs, errors.New("documents.tries: must be from 1 to 5"))
	}
	if d.DailyTries < d.Tries || d.DailyTries > 20 {
		errs = append(errs, fmt.Errorf("documents.daily_tries: must be from %d, which is documents.tries, to 20", d.Tries))
	}
	if d.Holds < time.Minute || d.Holds > time.Hour {
		errs = append(errs, errors.New("documents.holds: must be from 1m to 1h"))
	}
	if d.Results == resultsConsent && c.FHIR.Server.BaseURL == "" {
		errs = append(errs, errors.New("documents.results: consent needs fhir.base_url, where consents are looked up"))
	}
	switch portal := string(c.Facility.Portal); {
	case portal == "" && d.on():
		errs = append(errs, errors.New("facility.portal: required where documents.results is on; patients read it"))
	case portal != "" && !isPortal(portal):
		errs = append(errs, fmt.Errorf("facility.portal: must be an https URL of at most %d characters, without user and password, as in https://portal.example.org", maxPortal))
	}
	return errs
}

func isPortal(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && len(text) <= maxPortal && !strings.ContainsAny(text, " {}\t\n")
}

// forJourneys is what the journeys know of it.
func (d DocumentsConfig) forJourneys() journey.Documents {
	return journey.Documents{Results: d.on(), Tries: d.Tries, Daily: d.DailyTries}
}

// forDispatch is what dispatch knows of it, nil if nothing is sent.
func (d DocumentsConfig) forDispatch(source pipeline.DocumentSource) *pipeline.Documents {
	if !d.on() {
		return nil
	}
	return &pipeline.Documents{Source: source, Most: d.Largest, Holds: d.Holds, Consent: d.Results == resultsConsent}
}
