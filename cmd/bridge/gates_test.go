package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"fhirbridge/pipeline"
)

// gatesOf returns the gates of the sound configuration with these lines more.
func gatesOf(t *testing.T, more string) []pipeline.Gate {
	t.Helper()
	c, err := (&loader{file: "test.yaml", env: os.LookupEnv}).parse([]byte(soundConfig + more))
	must(t, err)
	list, err := gates(c, nil, pipeline.GateTemplate{})
	must(t, err)
	return list
}

func TestGatesAreAskedInOrder(t *testing.T) {
	always := "Expired Patient Number Consent Owner Verified Reachable"
	for _, c := range []struct{ name, more, want string }{
		{"nothing said", "", ""},
		{"quiet hours", "quiet: {from: 21:00, to: 08:00}\n", " Quiet"},
		{"quiet days", "quiet: {days: [sunday]}\n", " Quiet"},
		{"holidays", "quiet: {holidays: [12-25]}\n", " Quiet"},
		{"minors", "minors: {age: 16}\n", " Minor"},
		{"a list", "allow: [+1555]\n", " Allow"},
		{"an empty list", "allow: []\n", ""},
		{"a share", "frequency: {most: 6}\n", " Frequency"},
		{"numbers that are not on WhatsApp are tried each time", "dispatch: {unreachable: -1s}\n", "-"},
		{"all of them", "frequency: {most: 6}\nquiet: {days: [sunday]}\nallow: [+1555]\nminors: {age: 16}\n", " Minor Allow Quiet Frequency"},
	} {
		t.Run(c.name, func(t *testing.T) {
			names := []string{}
			for _, g := range gatesOf(t, c.more) {
				names = append(names, strings.TrimPrefix(fmt.Sprintf("%T", g), "pipeline.Gate"))
			}
			want := always + c.want + " Template"
			if c.want == "-" {
				want = strings.Replace(always, " Reachable", "", 1) + " Template"
			}
			if got := strings.Join(names, " "); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestGatesAsConfigured(t *testing.T) {
	t.Setenv("BRIDGE_TEST_NUMBER", "+15550100123")
	list := gatesOf(t, `
quiet: {from: "21:30", to: 24:00, days: [Sunday, monday], holidays: [2026-12-25, "12-26", 02-29]}
minors: {age: 18}
allow: [+15550100, "${BRIDGE_TEST_NUMBER}"]
frequency: {most: 6, within: 36h}
`)
	got := fmt.Sprintf("%+v", list[7:11])
	want := fmt.Sprintf("%+v", []pipeline.Gate{
		pipeline.GateMinor{Age: 18, Zone: list[7].(pipeline.GateMinor).Zone},
		pipeline.GateAllow{Prefixes: []string{"+15550100", "+15550100123"}},
		pipeline.GateQuiet{
			From: 21*60 + 30, To: 24 * 60, Days: []time.Weekday{time.Sunday, time.Monday}, Zone: list[9].(pipeline.GateQuiet).Zone,
			Holidays: []pipeline.Holiday{{Year: 2026, Month: time.December, Day: 25}, {Month: time.December, Day: 26}, {Month: time.February, Day: 29}},
		},
		pipeline.GateFrequency{Most: 6, Within: 36 * time.Hour},
	})
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for i, zone := range []*time.Location{list[7].(pipeline.GateMinor).Zone, list[9].(pipeline.GateQuiet).Zone} {
		if zone.String() != "Europe/Berlin" {
			t.Errorf("zone %d: got %s, want the facility's", i, zone)
		}
	}
}

func TestGateProblems(t *testing.T) {
	for _, c := range []struct{ name, more, want string }{
		{"no clock time", "quiet: {from: 9pm, to: 08:00}", "test.yaml:8:15: quiet.from: must be a clock time"},
		{"the end of the day is no beginning", "quiet: {from: 24:00, to: 08:00}", "quiet.from"},
		{"only one of them", "quiet: {from: 21:00}", "quiet.to: must be a clock time"},
		{"only the other", "quiet: {to: 21:00}", "quiet.from: must be a clock time"},
		{"no time between", "quiet: {from: 08:00, to: 08:00}", "quiet.to: must leave some time of the day"},
		{"the whole day", "quiet: {from: 00:00, to: 24:00}", "quiet.to: must leave some time of the day"},
		{"no day", "quiet: {days: [sonntag]}", "test.yaml:8:16: quiet.days[0]: must be a day of the week"},
		{"every day", "quiet: {days: [sunday, monday, tuesday, wednesday, thursday, friday, saturday]}", "quiet.days: must leave a day"},
		{"no date", "quiet: {holidays: [2026-02-29]}", "quiet.holidays[0]: must be a day"},
		{"unknown key", "quiet: {form: 21:00}", "quiet.form: unknown key; did you mean from?"},
		{"age", "minors: {age: -1}", "minors.age: must be from 0 to 30"},
		{"proxies of nobody", "proxies: {minors: [GUARD]}", "proxies.minors: needs minors.age"},
		{"no code", `proxies: {adults: ["power of attorney"]}`, "proxies.adults[0]: must be the code of a relationship"},
		{"a national number", `allow: ["+1555", "0555 0100"]`, "test.yaml:8:18: allow[1]: must be how a number begins"},
		{"a negative share", "frequency: {most: -1}", "frequency.most"},
		{"no time at all", "frequency: {most: 6, within: 1s}", "frequency.within: must be from 1m to 720h"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := (&loader{file: "test.yaml", env: os.LookupEnv}).parse([]byte(soundConfig + c.more + "\n"))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}
