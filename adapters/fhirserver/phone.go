package fhirserver

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"fhirbridge/pipeline"
)

// PatientsByPhone implements pipeline.FHIRServer. Servers compare numbers letter by
// letter or not, and hospitals write them in every way, so each usual way of writing
// is searched for; what is found is then looked at: the patient must be active
// and have the number, not as an old one. The result is complete, or an error.
func (c *Client) PatientsByPhone(ctx context.Context, number pipeline.Private) ([]string, error) {
	const op = "fhirserver.patients_by_phone"
	forms := writings(number.Reveal())
	if forms == nil {
		return nil, &pipeline.Error{Op: op, Kind: pipeline.Malformed, Reason: "invalid_number"}
	}
	var refs []string
	for _, form := range forms {
		q := query{op: op, typ: "Patient", criteria: url.Values{"telecom": {escape(form)}}, private: true}
		err := c.search(ctx, q, func(m match) bool {
			if ref := m.header.Ref(); !slices.Contains(refs, ref) && has(m.raw, forms, c.now()) {
				refs = append(refs, ref)
			}
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(refs)
	return refs, nil
}

// writings returns the ways to write an E.164 number: itself, its digits, and how
// it is written abroad and at home, with and without spaces. nil if it is none.
func writings(e164 string) []string {
	n, err := phonenumbers.Parse(e164, "")
	if err != nil || !strings.HasPrefix(e164, "+") {
		return nil
	}
	national := phonenumbers.Format(n, phonenumbers.NATIONAL)
	var forms []string
	for _, form := range []string{
		phonenumbers.Format(n, phonenumbers.E164), digits(e164), digits(national),
		phonenumbers.Format(n, phonenumbers.INTERNATIONAL), national,
	} {
		if !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	return forms
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// has reports whether an active patient, whose record no other one has replaced, has the number
// at now, whatever the server has compared. Signs between digits do not count.
func has(patient json.RawMessage, forms []string, now time.Time) bool {
	var p struct {
		Active *bool `json:"active"`
		Link   []struct {
			Type string `json:"type"`
		} `json:"link"`
		Telecom []struct {
			Value  string `json:"value"`
			Use    string `json:"use"`
			Period struct {
				End string `json:"end"`
			} `json:"period"`
		} `json:"telecom"`
	}
	if json.Unmarshal(patient, &p) != nil || p.Active != nil && !*p.Active {
		return false
	}
	for _, l := range p.Link {
		if l.Type == "replaced-by" {
			return false
		}
	}
	for _, t := range p.Telecom {
		if t.Use == "old" || ended(t.Period.End, now) {
			continue
		}
		written := strings.TrimPrefix(digits(strings.ReplaceAll(t.Value, "(0)", "")), "00")
		if slices.ContainsFunc(forms, func(form string) bool { return digits(form) == written }) {
			return true
		}
	}
	return false
}

// ended reports whether a period with that end is over. Of a date its whole day
// belongs to the period, wherever on earth that day is.
func ended(end string, now time.Time) bool {
	for layout, length := range map[string]func(time.Time) time.Time{
		time.RFC3339: func(t time.Time) time.Time { return t },
		"2006-01-02": func(t time.Time) time.Time { return t.AddDate(0, 0, 2) },
		"2006-01":    func(t time.Time) time.Time { return t.AddDate(0, 1, 1) },
		"2006":       func(t time.Time) time.Time { return t.AddDate(1, 0, 1) },
	} {
		if t, err := time.Parse(layout, end); err == nil {
			return now.After(length(t))
		}
	}
	return false
}
