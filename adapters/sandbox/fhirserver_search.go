package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// searchParam is one parameter: its type in FHIR's words, and whether one of its
// values matches a resource.
type searchParam struct {
	kind  string
	match func(s *FHIRServer, r *fhirRecord, value string) bool
}

// everyType are the parameters of all resources.
var everyType = map[string]searchParam{
	"_id":          {"token", func(_ *FHIRServer, r *fhirRecord, v string) bool { return r.id == v }},
	"_lastUpdated": {"date", func(_ *FHIRServer, r *fhirRecord, v string) bool { return inTime(r.current().updated, v) }},
	"identifier":   token("identifier", ""),
}

// typeParams are those of some resources; names and meanings are R4's.
var typeParams = map[string]map[string]searchParam{
	"Patient":       {"telecom": token("telecom", ""), "phone": token("telecom", "phone")},
	"RelatedPerson": {"telecom": token("telecom", ""), "phone": token("telecom", "phone"), "patient": reference("patient", "Patient")},
	"Communication": {"subject": reference("subject", ""), "patient": reference("subject", "Patient"), "status": status,
		"category": coded("category"), "recipient": reference("recipient", ""), "received": received},
	"Appointment":         {"patient": reference("participant.#.actor", "Patient"), "actor": reference("participant.#.actor", ""), "status": status, "slot": reference("slot", "Slot")},
	"AppointmentResponse": {"appointment": reference("appointment", ""), "actor": reference("actor", ""), "patient": reference("actor", "Patient")},
	"DiagnosticReport":    {"subject": reference("subject", ""), "patient": reference("subject", "Patient"), "status": status},
	"Task":                {"patient": reference("for", "Patient"), "focus": reference("focus", ""), "status": status},
	"Consent":             {"patient": reference("patient", "Patient"), "status": status},
	"Schedule":            {"actor": reference("actor", ""), "service-type": coded("serviceType"), "specialty": coded("specialty")},
	"Slot":                {"schedule": reference("schedule", "Schedule"), "start": starts, "status": status, "service-type": coded("serviceType"), "specialty": coded("specialty")},
}

func searchParams(kind string) map[string]searchParam {
	all := maps.Clone(everyType)
	maps.Copy(all, typeParams[kind])
	return all
}

// token matches "value", "system|value", "|value" and "system|" against a list of
// objects, those of one system only if that is not empty; see https://hl7.org/fhir/R4/search.html#token. Letters and signs count as
// they are: "+49 151" is not "+49151", as on many servers.
func token(path, system string) searchParam {
	return searchParam{"token", func(_ *FHIRServer, r *fhirRecord, v string) bool {
		wanted, value, qualified := strings.Cut(v, "|")
		if !qualified {
			wanted, value = "", v
		}
		for _, o := range gjson.GetBytes(r.current().raw, path).Array() {
			if system != "" && o.Get("system").String() != system {
				continue
			}
			if qualified && o.Get("system").String() != wanted {
				continue
			}
			if got := o.Get("value").String(); got != "" && (got == value || value == "" && qualified) {
				return true
			}
		}
		return false
	}}
}

var status = searchParam{"token", func(_ *FHIRServer, r *fhirRecord, v string) bool {
	return gjson.GetBytes(r.current().raw, "status").String() == v
}}

var received = searchParam{"date", func(_ *FHIRServer, r *fhirRecord, v string) bool {
	at, err := time.Parse(time.RFC3339, gjson.GetBytes(r.current().raw, "received").String())
	return err == nil && inTime(at, v)
}}

// reference matches "id", "Type/id" and the absolute URL, if only is not empty just
// those of that type; see https://hl7.org/fhir/R4/search.html#reference.
func reference(path, only string) searchParam {
	return searchParam{"reference", func(s *FHIRServer, r *fhirRecord, v string) bool {
		v = strings.TrimPrefix(v, s.URL()+"/")
		for _, ref := range gjson.GetBytes(r.current().raw, "["+path+".reference,"+path+".#.reference]|@flatten").Array() {
			got := strings.TrimPrefix(ref.String(), s.URL()+"/")
			kind, id, ok := cutRef(got)
			if only != "" && kind != only {
				continue
			}
			if got == v || ok && (id == v || kind+"/"+id == v) {
				return true
			}
		}
		return false
	}}
}

// inTime compares an instant with a date of any precision and its prefix; see
// https://hl7.org/fhir/R4/search.html#prefix.
func inTime(t time.Time, v string) bool {
	prefix, from, to, ok := period(v)
	if !ok {
		return false
	}
	switch prefix {
	case "gt", "sa":
		return !t.Before(to)
	case "ge":
		return !t.Before(from)
	case "lt", "eb":
		return t.Before(from)
	case "le":
		return t.Before(to)
	case "ne":
		return t.Before(from) || !t.Before(to)
	default:
		return !t.Before(from) && t.Before(to)
	}
}

// period takes a search date apart: its prefix, and the time that its precision covers.
func period(v string) (prefix string, from, to time.Time, ok bool) {
	prefix = "eq"
	if len(v) > 2 && v[0] > '9' {
		prefix, v = v[:2], v[2:]
	}
	if from, err := time.Parse("2006-01-02", v); err == nil {
		return prefix, from, from.AddDate(0, 0, 1), true
	}
	if from, err := time.Parse("2006-01", v); err == nil {
		return prefix, from, from.AddDate(0, 1, 0), true
	}
	if from, err := time.Parse("2006", v); err == nil {
		return prefix, from, from.AddDate(1, 0, 0), true
	}
	from, err := time.Parse(time.RFC3339, v)
	if strings.Contains(v, ".") {
		return prefix, from, from.Add(time.Millisecond), err == nil
	}
	return prefix, from, from.Add(time.Second), err == nil
}

// match returns the living records that satisfy q, oldest first: repeated
// parameters all hold, of values with commas one. The caller holds mu.
func (s *FHIRServer) match(kind string, q url.Values) ([]*fhirRecord, *fhirProblem) {
	params := searchParams(kind)
	if !s.identifies(kind) {
		delete(params, "identifier")
	}
	if s.cfg.Oracle {
		if e := oracleSearch(kind, q); e != nil {
			return nil, e
		}
	}
	found := s.candidates(kind, q)
	for name, values := range q {
		if resultParams[name] {
			continue
		}
		p, ok := params[name]
		if !ok {
			return nil, problem(http.StatusBadRequest, "not-supported", "Unknown search parameter '"+name+"' of "+kind)
		}
		for _, v := range values {
			alternatives := strings.Split(v, ",")
			for _, one := range alternatives {
				if _, _, _, date := period(one); one == "" || p.kind == "date" && !date {
					return nil, problem(http.StatusBadRequest, "value", "The search parameter '"+name+"' has no such value")
				}
			}
			found = slices.DeleteFunc(found, func(r *fhirRecord) bool {
				return !slices.ContainsFunc(alternatives, func(one string) bool { return p.match(s, r, one) })
			})
		}
	}
	return found, nil
}

// candidates narrows by index where one exact identifier is asked for.
func (s *FHIRServer) candidates(kind string, q url.Values) []*fhirRecord {
	v := q["identifier"]
	system, value, qualified := "", "", false
	if len(v) == 1 && !strings.Contains(v[0], ",") {
		system, value, qualified = strings.Cut(v[0], "|")
	}
	if !qualified || value == "" {
		return s.living(kind)
	}
	t := s.types[kind]
	var found []*fhirRecord
	for _, id := range t.identifiers[system+"|"+value] {
		found = append(found, t.byID[id])
	}
	return found
}

// resultParams change the answer and not what matches.
var resultParams = map[string]bool{"_count": true, "_offset": true, "_sort": true, "_format": true, "_total": true, "_pretty": true}

// search is https://hl7.org/fhir/R4/http.html#search, by GET and by POST.
func (s *FHIRServer) search(r *http.Request, kind string) (*fhirAnswer, *fhirProblem) {
	if err := r.ParseForm(); err != nil {
		return nil, problem(http.StatusBadRequest, "invalid", "The query cannot be read")
	}
	q := r.Form
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, e := s.match(kind, q)
	if e != nil {
		return nil, e
	}
	if e := order(found, q.Get("_sort")); e != nil {
		return nil, e
	}
	size, err := strconv.Atoi(q.Get("_count"))
	if q.Get("_count") == "" {
		size, err = s.cfg.PageSize, nil
	}
	if err != nil || size < 0 {
		return nil, problem(http.StatusBadRequest, "value", "_count is not a number")
	}
	offset, _ := strconv.Atoi(q.Get("_offset"))
	from := max(0, min(offset, len(found)))
	to := min(from+size, len(found))
	b := bundle{Type: "Bundle", Kind: "searchset", Total: len(found)}
	b.Link = append(b.Link, bundleLink{"self", s.URL() + "/" + kind + "?" + q.Encode()})
	if to < len(found) && size > 0 {
		next := maps.Clone(q)
		next.Set("_offset", strconv.Itoa(to))
		b.Link = append(b.Link, bundleLink{"next", s.URL() + "/" + kind + "?" + next.Encode()})
	}
	for _, r := range found[from:to] {
		b.Entry = append(b.Entry, bundleEntry{
			FullURL: s.URL() + "/" + kind + "/" + r.id, Resource: r.current().raw, Search: map[string]string{"mode": "match"},
		})
	}
	body, _ := json.Marshal(b) // resources are known to be JSON
	return &fhirAnswer{status: http.StatusOK, body: body}, nil
}

func order(found []*fhirRecord, by string) *fhirProblem {
	switch by {
	case "":
	case "_lastUpdated", "-_lastUpdated":
		slices.SortStableFunc(found, func(a, b *fhirRecord) int {
			if by[0] == '-' {
				a, b = b, a
			}
			return a.current().updated.Compare(b.current().updated)
		})
	case "start", "-start":
		slices.SortStableFunc(found, func(a, b *fhirRecord) int {
			if by[0] == '-' {
				a, b = b, a
			}
			return a.start().Compare(b.start())
		})
	default:
		return problem(http.StatusBadRequest, "not-supported", "Only _lastUpdated and start can be sorted by")
	}
	return nil
}
