package sandbox

import (
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// coded matches "code", "system|code", "|code" and "system|" against the codings of a list of concepts; see
// https://hl7.org/fhir/R4/search.html#token.
func coded(path string) searchParam {
	return searchParam{"token", func(_ *FHIRServer, r *fhirRecord, v string) bool {
		system, code, qualified := strings.Cut(v, "|")
		if !qualified {
			system, code = "", v
		}
		for _, c := range gjson.GetBytes(r.current().raw, path+".#.coding|@flatten").Array() {
			if qualified && c.Get("system").String() != system {
				continue
			}
			if got := c.Get("code").String(); got != "" && (got == code || code == "" && qualified) {
				return true
			}
		}
		return false
	}}
}

var starts = searchParam{"date", func(_ *FHIRServer, r *fhirRecord, v string) bool {
	start := r.start()
	return !start.IsZero() && inTime(start, v)
}}

// start is when what the resource is about begins, zero if it does not say.
func (r *fhirRecord) start() time.Time {
	start, err := time.Parse(time.RFC3339, gjson.GetBytes(r.current().raw, "start").String())
	if err != nil {
		return time.Time{}
	}
	return start
}
