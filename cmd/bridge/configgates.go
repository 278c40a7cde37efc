package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"fhirbridge/pipeline"
)

// QuietConfig is the quiet block: when patients are left in peace, by the facility's clock.
type QuietConfig struct {
	// From and To are clock times, as in 21:00; To may be 24:00. Both or none.
	From written `yaml:"from"`
	To   written `yaml:"to"`
	// Days are quiet as a whole, as in sunday.
	Days []string `yaml:"days"`
	// Holidays are days (2026-04-06), or days of every year (12-25).
	Holidays []written `yaml:"holidays"`
}

// MinorsConfig is the minors block.
type MinorsConfig struct {
	// Age is the age from which patients are written to themselves; 0 is any.
	Age int `yaml:"age"`
}

// ProxiesConfig is the proxies block: by which relationships to a patient somebody is told in the patient's stead.
type ProxiesConfig struct {
	// Minors is for patients under minors.age, Adults for the others; codes as GUARD or system|GUARD, those that count
	// most first.
	Minors []string `yaml:"minors"`
	Adults []string `yaml:"adults"`
}

// validate returns every problem, each beginning with its key.
func (p ProxiesConfig) validate(age int) error {
	var errs []error
	for name, codes := range map[string][]string{"minors": p.Minors, "adults": p.Adults} {
		for i, code := range codes {
			if !relationship.MatchString(code) {
				errs = append(errs, fmt.Errorf("%s[%d]: must be the code of a relationship, as in GUARD, or system|GUARD", name, i))
			}
		}
	}
	if len(p.Minors) > 0 && age == 0 {
		errs = append(errs, errors.New("minors: needs minors.age, which says who is one"))
	}
	return errors.Join(errs...)
}

var relationship = regexp.MustCompile(`^([^\s|]+\|)?[A-Za-z0-9_-]+$`)

// FrequencyConfig is the frequency block.
type FrequencyConfig struct {
	// Most is how many messages, answers aside, a number gets Within a time; 0 is any number.
	Most   int           `yaml:"most"`
	Within time.Duration `yaml:"within"`
}

// allowed is a number, or how numbers begin, as pipeline.GateAllow compares it.
var allowed = regexp.MustCompile(`^\+[0-9]{1,15}$`)

// validateGates returns every problem of the blocks that say what may be sent when.
func (c *Config) validateGates() []error {
	_, err := c.Quiet.gate(time.UTC)
	errs := under("quiet", err)
	if c.Minors.Age < 0 || c.Minors.Age > 30 {
		errs = append(errs, errors.New("minors.age: must be from 0 to 30"))
	}
	errs = append(errs, under("proxies", c.Proxies.validate(c.Minors.Age))...)
	for i, number := range c.Allow {
		if !allowed.MatchString(string(number)) {
			errs = append(errs, fmt.Errorf("allow[%d]: must be how a number begins, as in +1555, or a whole one", i))
		}
	}
	if c.Frequency.Most < 0 {
		errs = append(errs, errors.New("frequency.most: must not be negative"))
	}
	if within := c.Frequency.Within; within < time.Minute || within > 30*24*time.Hour {
		errs = append(errs, errors.New("frequency.within: must be from 1m to 720h"))
	}
	return errs
}

// gate returns the quiet times in a zone. The error names every problem, each beginning with its key.
func (q QuietConfig) gate(zone *time.Location) (g pipeline.GateQuiet, err error) {
	g.Zone = zone
	var errs []error
	if q.From != "" || q.To != "" {
		var okay bool
		if g.From, okay = minutes(q.From); !okay || g.From == minutesOfDay {
			errs = append(errs, errors.New("from: must be a clock time, as in 21:00"))
		}
		if g.To, okay = minutes(q.To); !okay {
			errs = append(errs, errors.New("to: must be a clock time, as in 08:00"))
		} else if q.From == q.To || g.From == 0 && g.To == minutesOfDay {
			errs = append(errs, errors.New("to: must leave some time of the day"))
		}
	}
	quiet := map[time.Weekday]bool{}
	for i, name := range q.Days {
		day, known := weekday(name)
		if !known {
			errs = append(errs, fmt.Errorf("days[%d]: must be a day of the week, as in sunday", i))
		}
		quiet[day] = true
		g.Days = append(g.Days, day)
	}
	if len(quiet) == 7 {
		errs = append(errs, errors.New("days: must leave a day on which something can be sent"))
	}
	for i, text := range q.Holidays {
		day, known := holiday(string(text))
		if !known {
			errs = append(errs, fmt.Errorf("holidays[%d]: must be a day, as in 2026-04-06, or one of every year, as in 12-25", i))
		}
		g.Holidays = append(g.Holidays, day)
	}
	return g, errors.Join(errs...)
}

// quiet reports whether there is any quiet time.
func (q QuietConfig) quiet() bool { return q.From != "" || len(q.Days) > 0 || len(q.Holidays) > 0 }

const minutesOfDay = 24 * 60

// minutes returns the minutes from midnight of a clock time.
func minutes(text written) (n int, ok bool) {
	if text == "24:00" {
		return minutesOfDay, true
	}
	t, err := time.Parse("15:04", string(text))
	return 60*t.Hour() + t.Minute(), err == nil
}

func weekday(name string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if strings.EqualFold(day.String(), name) {
			return day, true
		}
	}
	return 0, false
}

func holiday(text string) (pipeline.Holiday, bool) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return pipeline.Holiday{Year: t.Year(), Month: t.Month(), Day: t.Day()}, true
	}
	t, err := time.Parse(time.DateOnly, "2000-"+text) // a leap year
	return pipeline.Holiday{Month: t.Month(), Day: t.Day()}, err == nil
}
