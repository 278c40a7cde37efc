package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"fhirbridge/adapters/cloudapi"
	"fhirbridge/adapters/tyntec"
	"fhirbridge/configs"
	"fhirbridge/fhir/strict"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// providers is the table of channels. A new one is a folder in adapters and a line here.
var providers = map[string]provider{
	"cloudapi":   keeping(cloudapi.MediaLife, provide(cloudapi.New, cloudapi.NewReceiver)),
	"tyntec":     keeping(tyntec.MediaLife, provide(tyntec.New, tyntec.NewReceiver)),
	"tyntec-sms": words(provide(tyntec.NewSMS, tyntec.NewSMSReceiver)),
}

// provider makes the two halves of a channel from its block of the configuration.
type provider struct {
	keys  reflect.Type
	check func(ast.Node, reader) error
	// secrets reads the files of secrets, and returns what is wrong with them.
	secrets func(ast.Node) error
	channel func(ast.Node) (pipeline.Channel, error)
	webhook func(ast.Node) (pipeline.Webhook, error)
	// words is set for a channel that has nothing else: another one may fall back to it.
	words bool
	// keeps is how long the provider keeps what is uploaded.
	keeps time.Duration
}

func keeping(life time.Duration, p provider) provider {
	p.keeps = life
	return p
}

func words(p provider) provider {
	p.words = true
	return p
}

func provide[C interface {
	Validate() error
	CheckFiles() error
}, S pipeline.Channel, W pipeline.Webhook](
	send func(C) (S, error), receive func(C) (W, error),
) provider {
	read := func(n ast.Node) (c C, err error) {
		err = yaml.NodeToValue(n, &c)
		return c, err
	}
	return provider{
		keys: reflect.TypeFor[C](),
		check: func(n ast.Node, who reader) error {
			c, err := read(n)
			if err != nil {
				return errors.New("not of the right form")
			}
			if who == forReceiver {
				_, err := receive(c)
				return err
			}
			return c.Validate()
		},
		secrets: func(n ast.Node) error {
			c, err := read(n)
			if err != nil {
				return nil //nolint:nilerr // check says it
			}
			return c.CheckFiles()
		},
		channel: func(n ast.Node) (pipeline.Channel, error) {
			c, err := read(n)
			if err != nil {
				return nil, err
			}
			return send(c)
		},
		webhook: func(n ast.Node) (pipeline.Webhook, error) {
			c, err := read(n)
			if err != nil {
				return nil, err
			}
			return receive(c)
		},
	}
}

// checkProvider returns what is wrong with one entry of channels, each problem beginning with its key.
func checkProvider(c ChannelConfig, who reader) error {
	p, ok := providers[c.Provider]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(providers)), ", ")
		return fmt.Errorf("provider: must be one of %s", known)
	}
	if c.node == nil {
		return nil
	}
	if providerOf(c.node) != "" {
		return p.check(c.node, who)
	}
	keys := fields(p.keys)
	maps.Copy(keys, fields(reflect.TypeFor[ChannelConfig]()))
	var errs []error
	for _, v := range values(c.node) {
		if name := v.Key.GetToken().Value; keys[name] == nil {
			errs = append(errs, errors.New(unknownKey(name, name, keys)))
		}
	}
	return errors.Join(append(errs, p.check(c.node, who))...)
}

// loadJourneys reads journeys and templates from the configured folders, or those that the binary carries.
func loadJourneys(c *Config) (book *journey.Book, err error) {
	if c.book == nil {
		c.book, err = readJourneys(c)
	}
	return c.book, err
}

func readJourneys(c *Config) (*journey.Book, error) {
	settings, err := c.journeySettings()
	if err != nil {
		return nil, err
	}
	book, found := c.openJourneys(settings)
	if len(found) == 0 {
		found = book.RunExamples()
	}
	if len(found) > 0 {
		return nil, journeyProblems(c, found)
	}
	return book, nil
}

func (c *Config) openJourneys(s journey.Settings) (*journey.Book, []journey.Problem) {
	return journey.Load(folder(c.Journeys, configs.Journeys()), folder(c.Templates, configs.Templates()), s)
}

// journeySettings are what the journeys know of the configuration. After an error they are what can be known.
func (c *Config) journeySettings() (journey.Settings, error) {
	zone, errZone := time.LoadLocation(c.Facility.Timezone)
	hours, errHours := c.Facility.openings()
	closed, errQuiet := c.Quiet.gate(zone)
	return journey.Settings{
		Facility: c.Facility.Name, Timezone: zone, Language: c.Facility.Language, Country: c.Facility.Country, Phone: string(c.Facility.Phone),
		Portal: string(c.Facility.Portal), Documents: c.Documents.forJourneys(),
		Emergency: string(c.Facility.Emergency), Hours: hours, Holidays: closed.Holidays,
		Fields: c.custom.fields, Conditions: c.custom.conditions, Parse: parseResource,
		Booking: c.Booking.journeys(), Maps: c.sites(),
	}, errors.Join(errZone, errHours, errQuiet)
}

func folder(path string, carried fs.FS) fs.FS {
	if path == "" {
		return carried
	}
	return os.DirFS(path)
}

// journeyProblems names each file as the configuration reaches it.
func journeyProblems(c *Config, found []journey.Problem) problems {
	out := make(problems, len(found))
	for i, p := range found {
		file := p.File
		switch dir, name, _ := strings.Cut(file, "/"); { // without a name the folder is at fault
		case dir == "journeys" && c.Journeys != "":
			file = filepath.Join(c.Journeys, name)
		case dir == "templates" && c.Templates != "":
			file = filepath.Join(c.Templates, name)
		}
		out[i] = problem{File: file, Line: p.Line, Column: p.Column, Text: p.Text}
	}
	return out
}

// explain is what the strict validator finds in a faulty record.
func explain(raw []byte) []string { return lines(strict.Validate(raw)) }

func lines(found []strict.Finding) []string {
	var list []string
	for _, f := range found {
		list = append(list, strings.TrimSpace(f.Path+" "+f.Rule))
	}
	return list
}

// newLog writes structured logs to stderr. Nothing that reaches it holds patient data.
func newLog(level slog.Level, asJSON bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if asJSON {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}
