package main

import (
	"errors"
	"fmt"
	"maps"
	"mime"
	"slices"
	"strings"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// emergencyNumbers are what people dial in an emergency, by country. Who is in another one says it: a wrong number
// is worse than none.
var emergencyNumbers = countries(map[written]string{
	"112": "AT BE BG CH CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK TR",
	"911": "CA US",
	"999": "GB",
	"000": "AU",
	"111": "NZ",
})

func countries(numbers map[written]string) map[string]written {
	all := map[string]written{}
	for number, list := range numbers {
		for _, country := range strings.Fields(list) {
			all[country] = number
		}
	}
	return all
}

// HoursConfig is an entry of facility.hours: when people read what patients write, by the facility's clock.
type HoursConfig struct {
	// Days are days of the week, as in monday.
	Days []string `yaml:"days"`
	// From and To are clock times, as in 08:00; To may be 24:00.
	From written `yaml:"from"`
	To   written `yaml:"to"`
}

// openings returns the hours as the journeys have them. The error names every problem, each beginning with its key.
func (f FacilityConfig) openings() (list []journey.Opening, err error) {
	var errs []error
	for i, h := range f.Hours {
		key := fmt.Sprintf("hours[%d]", i)
		from, okay := minutes(h.From)
		to, also := minutes(h.To)
		switch {
		case !okay || !also:
			errs = append(errs, fmt.Errorf("%s: from and to must be clock times, as in 08:00", key))
		case from >= to:
			errs = append(errs, fmt.Errorf("%s.to: must be later than from; hours over midnight are two entries", key))
		}
		o := journey.Opening{From: from, To: to}
		for j, name := range h.Days {
			day, known := weekday(name)
			if !known {
				errs = append(errs, fmt.Errorf("%s.days[%d]: must be a day of the week, as in monday", key, j))
			}
			o.Days = append(o.Days, day)
		}
		if len(h.Days) == 0 {
			errs = append(errs, fmt.Errorf("%s.days: required, as in [monday, tuesday]", key))
		}
		list = append(list, o)
	}
	return list, errors.Join(errs...)
}

func (f FacilityConfig) emergencyProblem() error {
	if f.Emergency != "" && !f.Emergency.dials() {
		return errors.New("emergency: must be a number as people dial it, of 3 to 15 digits, as in 112")
	}
	return nil
}

// MediaConfig is the media block: which of the files that patients send are put into the chart.
type MediaConfig struct {
	// Megabytes is the most that a file may have; 0 means 16. Kinds is the same for one kind of message.
	Megabytes int            `yaml:"megabytes"`
	Kinds     map[string]int `yaml:"kinds"`
	// Types are the content types that are fetched, as in image/jpeg; those of pipeline.DefaultFileTypes if it is left out,
	// none if it is empty.
	Types *[]string `yaml:"types"`
}

// maxMegabytes is what fits into a resource with all that is made of it on the way.
const maxMegabytes = 64

func (m MediaConfig) validate() (errs []error) {
	if m.Megabytes < 0 || m.Megabytes > maxMegabytes {
		errs = append(errs, fmt.Errorf("media.megabytes: must be from 1 to %d", maxMegabytes))
	}
	for _, kind := range slices.Sorted(maps.Keys(m.Kinds)) {
		switch n := m.Kinds[kind]; {
		case !slices.Contains(pipeline.FileKinds, kind):
			errs = append(errs, fmt.Errorf("media.kinds.%s: must be one of %s", kind, strings.Join(pipeline.FileKinds, ", ")))
		case n < 0 || n > maxMegabytes:
			errs = append(errs, fmt.Errorf("media.kinds.%s: must be from 0 to %d", kind, maxMegabytes))
		}
	}
	if m.Types == nil {
		return errs
	}
	for i, name := range *m.Types {
		if kind, params, err := mime.ParseMediaType(name); err != nil || kind != name || len(params) > 0 || strings.Count(kind, "/") != 1 {
			errs = append(errs, fmt.Errorf("media.types[%d]: must be a content type in lower case, as in image/jpeg", i))
		}
	}
	return errs
}

// rules are the same for the pipeline.
func (m MediaConfig) rules() pipeline.FileRules {
	r := pipeline.FileRules{Limit: int64(m.Megabytes) << 20, Kinds: map[string]int64{}, Types: pipeline.DefaultFileTypes}
	if r.Limit == 0 {
		r.Limit = 16 << 20
	}
	for kind, n := range m.Kinds {
		r.Kinds[kind] = int64(n) << 20
	}
	if m.Types != nil {
		r.Types = *m.Types
	}
	return r
}
