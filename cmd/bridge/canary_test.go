package main

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fhirbridge/pipeline/porttest"
)

// canary is what stands for patient data in a world, and must be seen nowhere but where a patient or a chart is.
type canary struct{ marks []string }

// The marks of whatever a patient or a subject has of that kind.
const (
	markGiven, markFamily, markStreet, markProfile = "Zebracanary", "Xylophonefamily", "Walnutcanarystreet", "Profilecanary"
	markBirth                                      = "1987-11-23"
	markNumber                                     = "15550177123"
	markWords, markRecord                          = "Pumpkinword", "Recordcanary"
	markVisit, markReason, markResult, markTitle   = "Quokkavisit", "Okapireason", "Axolotlresult", "Narwhaltitle"
)

func newCanary() *canary {
	return &canary{marks: []string{
		markGiven, markFamily, markStreet, markProfile, markBirth, markNumber[1:], markWords, markRecord, markVisit, markReason, markResult, markTitle,
	}}
}

// hear adds what a patient writes, and of an instruction what it says, where it is long enough to be nobody else's words.
func (c *canary) hear(text string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); len(line) >= 8 && strings.Contains(line, " ") {
			c.marks = append(c.marks, line)
		}
	}
}

// found returns the marks that a text holds: as they are whatever the case, as JSON or a URL writes them, in hexadecimal or base64.
func (c *canary) found(text string) []string {
	text = strings.ReplaceAll(text, `\\`, `\`) // what was quoted twice
	lower := strings.ToLower(text)
	var found []string
	for _, mark := range c.marks {
		if slices.ContainsFunc(forms(mark), func(form string) bool { return strings.Contains(text, form) }) ||
			strings.Contains(lower, strings.ToLower(mark)) {
			found = append(found, mark)
		}
	}
	return found
}

// forms are those in which a mark may stand somewhere.
func forms(mark string) []string {
	quoted := strconv.QuoteToASCII(mark)
	all := append(porttest.Forms(mark), url.QueryEscape(mark), url.PathEscape(mark), quoted[1:len(quoted)-1])
	for _, form := range slices.Clone(all) {
		all = append(all, strings.NewReplacer("+", "-", "/", "_").Replace(form)) // base64 for URLs
	}
	for _, name := range []string{strings.ToLower(mark), strings.ToUpper(mark)} {
		all = append(all, porttest.Forms(name)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// check fails for each place that holds a mark, and for each that holds nothing at all.
func (c *canary) check(t testing.TB, places map[string]string) {
	t.Helper()
	for _, where := range slices.Sorted(maps.Keys(places)) {
		if places[where] == "" {
			t.Errorf("there is nothing to look at in %s", where)
		}
		for _, mark := range c.found(places[where]) {
			t.Errorf("%s: the mark %s is there in some form", where, mark)
		}
	}
}

// marked returns a resource with marks in every element that is a patient's own, unless the journey asks for that element:
// then it has what the example gives it. told are words of the resource that are marks, too.
func (c *canary) marked(raw json.RawMessage, journey string) json.RawMessage {
	var r map[string]any
	if json.Unmarshal(raw, &r) != nil {
		return raw
	}
	add := func(element string, value any) {
		if r[element] == nil && !strings.Contains(journey, element) {
			r[element] = value
		}
	}
	switch r["resourceType"] {
	case "Patient", "RelatedPerson":
		c.person(r, add)
	case "DiagnosticReport":
		code, _ := r["code"].(map[string]any)
		code = maps.Clone(code)
		if code == nil {
			code = map[string]any{}
		}
		code["text"], r["code"] = markResult, code
		add("conclusion", "It is "+markResult+".")
		add("result", []any{map[string]any{"reference": "Observation/1", "display": markResult}})
		add("conclusionCode", []any{map[string]any{"text": markResult}})
		add("presentedForm", []any{map[string]any{
			"contentType": "text/plain", "data": []byte("The finding: " + markResult), "title": markTitle,
		}})
	default:
		add("description", markVisit)
		add("comment", "A word on "+markVisit)
		add("reasonCode", []any{map[string]any{"text": markReason}})
		if says, ok := r["patientInstruction"].(string); ok {
			c.hear(says)
		} else if !strings.Contains(journey, "instruct") {
			add("patientInstruction", markVisit)
		}
	}
	changed, err := json.Marshal(r)
	if err != nil {
		return raw
	}
	return changed
}

// person marks somebody: the name is replaced, if there is one.
func (c *canary) person(r map[string]any, add func(string, any)) {
	if names, _ := r["name"].([]any); len(names) > 0 {
		name := map[string]any{"family": markFamily}
		if first, ok := names[0].(map[string]any); ok && first["given"] != nil {
			name["given"] = []string{markGiven}
		}
		r["name"] = []any{name}
	}
	switch born, ok := r["birthDate"].(string); {
	case ok && len(born) == len(time.DateOnly): // a year alone is in some port or some fraction of a second
		c.marks = append(c.marks, born)
	case !ok:
		r["birthDate"] = markBirth
	}
	add("address", []any{map[string]any{"line": []string{markStreet + " 1"}, "city": "Hamburg"}})
}
