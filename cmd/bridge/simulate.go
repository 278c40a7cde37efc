package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fhirbridge/adapters/envelope"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

func simulateCommand() *cobra.Command {
	o := &simulateOptions{}
	cmd := &cobra.Command{
		Use: "simulate FILE…", Short: "Show what would be said to whom and when, and what answers lead to; nothing is sent",
		Long: "Take in files of FHIR JSON (a resource, a Bundle, NDJSON) as if they came from the feed, let time pass until nothing is\n" +
			"planned any more, and show all of it: the messages as the phone shows them, in local time, what the answers are read as, the\n" +
			"FHIR resources that are written, and of every step that is not planned the reason. Nothing is sent, no ledger is opened, no\n" +
			"network is used. IT PRINTS NAMES, NUMBERS AND WORDS: give it test data, and keep its output where you keep that.\n\n" +
			"An event comes when it was last updated (meta.lastUpdated), but not before --at, or right after the one before; people and\n" +
			"places of the files are known from the start. What is older than intake.max_age when it comes is history, and no news.\n" +
			"--reply and --tap can be given several times: each answers the last message, a minute later.\n" +
			"It ends with 1 if anything is refused or malformed.",
		Example: "  bridge simulate visit.json --at 2027-03-01T09:00 --tap confirm\n" +
			"  bridge simulate day.ndjson --lang de --reply \"ja, gerne\" --json",
		Args: cobra.MinimumNArgs(1),
		RunE: o.run,
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "bridge.yaml", "configuration file; without one, the journeys that the bridge carries, at a hospital in Berlin")
	f.StringVar(&o.at, "at", "", "`TIME` at which the files come: 2027-03-01T09:00 of the facility's zone, or with an offset")
	f.Var(answerFlag{o, false}, "reply", "`WORDS` that the patient writes")
	f.Var(answerFlag{o, true}, "tap", "`ANSWER` whose button the patient taps, as the journeys call it")
	f.StringVar(&o.lang, "lang", "", "`TAG` of the language that every patient has")
	f.BoolVar(&o.json, "json", false, "print JSON, with the resources that are written")
	return cmd
}

// errFaults is the exit of a simulation in which something was refused.
var errFaults = errors.New("something was refused or malformed")

// simulateOptions are the flags.
type simulateOptions struct {
	config, at, lang string
	json             bool
	answers          []simulatedAnswer
}

// simulatedAnswer is what a patient does: taps the button of an answer, or writes.
type simulatedAnswer struct {
	tap  bool
	text string
}

// answerFlag collects --reply and --tap in the order in which they are given.
type answerFlag struct {
	o   *simulateOptions
	tap bool
}

func (f answerFlag) String() string { return "" }
func (f answerFlag) Type() string   { return "string" }

// Set implements pflag.Value.
func (f answerFlag) Set(text string) error {
	f.o.answers = append(f.o.answers, simulatedAnswer{f.tap, text})
	return nil
}

// configuration reads the file; where none is named and none is there, the facility is that of the examples.
func (o *simulateOptions) configuration(named bool) (*Config, error) {
	if _, err := os.Stat(o.config); !named && errors.Is(err, os.ErrNotExist) {
		c := &Config{Facility: FacilityConfig{Name: "Harbour Hospital", Timezone: "Europe/Berlin", Country: "DE"}}
		c.defaults()
		return c, nil
	}
	c, _, err := load(o.config, forCheck)
	return c, err
}

// run simulates what is in the files, and prints it.
func (o *simulateOptions) run(cmd *cobra.Command, files []string) error {
	c, err := o.configuration(cmd.Flags().Changed("config"))
	if err != nil {
		return err
	}
	book, err := loadJourneys(c)
	if err != nil {
		return err
	}
	report, err := simulate(cmd.Context(), c, book, files, *o)
	if err != nil {
		if report != nil { // why there is nothing to answer, perhaps
			cmd.PrintErr(report.refused())
		}
		return err
	}
	if o.json {
		err = printJSON(cmd.OutOrStdout(), report)
	} else {
		err = report.print(cmd.OutOrStdout())
	}
	if err == nil && len(report.Faults) > 0 {
		err = errFaults
	}
	return err
}

// begin is when the first event comes.
func (o *simulateOptions) begin(zone *time.Location) (time.Time, error) {
	if o.at == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, o.at, zone); err == nil {
			return t, nil
		}
	}
	t, err := time.Parse(time.RFC3339, o.at)
	if err != nil {
		return t, fmt.Errorf("--at %s: must be like 2027-03-01T09:00 or 2027-03-01T09:00:00+01:00", o.at)
	}
	return t, nil
}

// simulate plays the files and the answers.
func simulate(ctx context.Context, c *Config, book *journey.Book, files []string, o simulateOptions) (*simulation, error) {
	s, err := newStage(ctx, c, book)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.ledger.Close() }() // it is in memory
	return &s.simulation, s.run(ctx, files, o)
}

// run reads the files and plays them.
func (s *stage) run(ctx context.Context, files []string, o simulateOptions) error {
	begin, err := o.begin(s.zone)
	if err != nil {
		return err
	}
	var people, events []fileEvent
	for i, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("%s: %s", file, reason(err))
		}
		decoded, err := envelope.New(s.config.Intake.Shapes).Decode(raw, nil, pipeline.Source{Topic: "simulate", Offset: int64(i)})
		s.fault(file, err)
		inTime(decoded)
		for _, ev := range decoded {
			if o.lang != "" {
				speak(&ev, o.lang)
			}
			if background[ev.Type] {
				people = append(people, fileEvent{file, ev})
			} else {
				events = append(events, fileEvent{file, ev})
			}
		}
	}
	for i := 0; begin.IsZero() && i < len(events); i++ {
		begin = events[i].LastUpdated
	}
	if begin.IsZero() { // nothing tells a time
		begin = time.Now()
	}
	s.set(begin)
	return s.play(ctx, people, events, o)
}

// inTime sorts the events of a file by when they were last updated, if all of them say so: a bridge takes what comes in
// one record in the order of what refers to what.
func inTime(events []pipeline.Event) {
	undated := func(e pipeline.Event) bool { return e.LastUpdated.IsZero() && !background[e.Type] }
	if !slices.ContainsFunc(events, undated) {
		slices.SortStableFunc(events, func(a, b pipeline.Event) int { return a.LastUpdated.Compare(b.LastUpdated) })
	}
}

// fileEvent is an event and the file that it is from.
type fileEvent struct {
	file string
	pipeline.Event
}

// background are the types that are known from the start, wherever in the files they stand.
var background = map[string]bool{
	"Patient": true, "RelatedPerson": true, "Practitioner": true, "PractitionerRole": true, "Organization": true,
	"Location": true, "HealthcareService": true,
}

// speak gives every patient of an event a language.
func speak(ev *pipeline.Event, tag string) {
	if ev.Type == "Patient" {
		ev.Resource = speaking(ev.Resource, tag)
	}
	for name, raw := range ev.Context {
		ev.Context[name] = speaking(raw, tag)
	}
}

// speaking returns a patient with one language; other resources as they are.
func speaking(raw json.RawMessage, tag string) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || string(members["resourceType"]) != `"Patient"` {
		return raw
	}
	members["communication"] = spoken(tag)
	changed, err := json.Marshal(members)
	if err != nil {
		return raw
	}
	return changed
}

// spoken is Patient.communication with one language.
func spoken(tag string) json.RawMessage {
	name, err := json.Marshal(strings.TrimSpace(tag))
	if err != nil {
		return json.RawMessage("[]")
	}
	return json.RawMessage(`[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":` + string(name) + `}]},"preferred":true}]`)
}
