package pipeline_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// consentJSON is a Consent of p1 about messages, with further elements: JSON that begins with a comma, or nothing.
func consentJSON(id, status, rule, dateTime, more string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"resourceType":"Consent","id":%q,"status":%q,"scope":{"text":%q},
		"category":[{"coding":[{"system":"https:\/\/fhirbridge.dev/consent","code":"messaging"}]}],"patient":{"reference":"Patient/p1"},
		"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":%q}]},"dateTime":%q%s}`,
		id, status, surname, rule, dateTime, more))
}

const writtenHere = `,"identifier":[{"system":"urn:fhirbridge:decision","value":"consent:abc"}]`

const ofStart = `,"identifier":[{"system":"urn:fhirbridge:decision","value":"start:abc"}]`

// undated is a Consent that does not say when it was given.
func undated(rule, more string) json.RawMessage {
	return json.RawMessage(strings.Replace(string(consentJSON("c2", "active", rule, "", more)), `"dateTime":""`, `"language":"en"`, 1))
}

func TestNewestConsent(t *testing.T) {
	const noon, later, latest = "2026-03-01T12:00:00Z", "2026-03-02T12:00:00Z", "2026-03-03T12:00:00Z"
	updated := func(at string) string { return `,"meta":{"lastUpdated":"` + at + `"}` }
	for _, c := range []struct {
		name string
		kept []json.RawMessage
		want string
	}{
		{"none", nil, ""},
		{"permits", []json.RawMessage{consentJSON("c1", "active", "OPTIN", noon, "")}, "permit " + noon},
		{"denies", []json.RawMessage{consentJSON("c1", "active", "OPTOUT", noon, "")}, "deny " + noon},
		{"denies by its provision", []json.RawMessage{consentJSON("c1", "active", "OPTIN", noon, `,"provision":{"type":"deny"}`)}, "deny " + noon},
		{"the newest", []json.RawMessage{consentJSON("c1", "active", "OPTIN", later, ""), consentJSON("c2", "active", "OPTOUT", noon, "")}, "permit " + later},
		{"the one that denies, of the same time", []json.RawMessage{consentJSON("c1", "active", "OPTOUT", noon, ""), consentJSON("c2", "active", "OPTIN", noon, "")}, "deny " + noon},
		{"the one that denies, in whatever order", []json.RawMessage{consentJSON("c1", "active", "OPTIN", noon, ""), consentJSON("c2", "active", "OPTOUT", noon, "")}, "deny " + noon},
		{"withdrawn, since then", []json.RawMessage{consentJSON("c1", "inactive", "OPTIN", noon, updated(later))}, "deny " + later},
		{"refused", []json.RawMessage{consentJSON("c1", "rejected", "OPTIN", noon, "")}, "deny " + noon},
		{"withdrawn, and given anew", []json.RawMessage{
			consentJSON("c1", "inactive", "OPTIN", noon, updated(latest)), consentJSON("c2", "active", "OPTIN", later, ""),
		}, "permit " + later},
		{"a refusal that is withdrawn", []json.RawMessage{consentJSON("c1", "inactive", "OPTOUT", noon, updated(later))}, ""},
		{"a mistake", []json.RawMessage{consentJSON("c1", "entered-in-error", "OPTOUT", noon, "")}, ""},
		{"a draft", []json.RawMessage{consentJSON("c1", "draft", "OPTIN", noon, "")}, ""},
		{"over", []json.RawMessage{consentJSON("c1", "active", "OPTIN", noon, `,"provision":{"period":{"end":"2026-03-03"}}`)}, ""},
		{"permits from tomorrow on", []json.RawMessage{consentJSON("c1", "active", "OPTIN", "2026-03-11T12:00:00Z", "")}, ""},
		{"with restrictions", []json.RawMessage{consentJSON("c1", "active", "OPTINR", noon, "")}, ""},
		{"of a day: denies until it ends", []json.RawMessage{consentJSON("c1", "active", "OPTOUT", "2026-03-01", "")}, "deny 2026-03-02T00:00:00Z"},
		{"of a month: permits from its beginning", []json.RawMessage{consentJSON("c1", "active", "OPTIN", "2026-03", "")}, "permit 2026-03-01T00:00:00Z"},
		{"denies on the day of one that permits", []json.RawMessage{consentJSON("c1", "active", "OPTIN", noon, ""), consentJSON("c2", "active", "OPTOUT", "2026-03-01", "")}, "deny 2026-03-02T00:00:00Z"},
		{"written by the bridge", []json.RawMessage{consentJSON("c1", "active", "OPTOUT", noon, writtenHere)}, ""},
		{"written by the bridge, and withdrawn by people", []json.RawMessage{consentJSON("c1", "inactive", "OPTIN", noon, writtenHere+updated(later))}, "deny " + later},
		{"of a START, written by the bridge", []json.RawMessage{consentJSON("c1", "active", "OPTIN", noon, ofStart+updated(later))}, ""},
		{"of a START, and people have made it one that denies", []json.RawMessage{consentJSON("c1", "active", "OPTOUT", noon, ofStart+updated(later))}, "deny " + later},
		{"of a STOP, saved again", []json.RawMessage{consentJSON("c1", "active", "OPTOUT", noon, writtenHere+updated(latest))}, ""},
		{"permits at no time", []json.RawMessage{undated("OPTIN", updated(later))}, "permit 0001-01-01T00:00:00Z"},
		{"permits at no time, and one that denies", []json.RawMessage{consentJSON("c1", "active", "OPTOUT", noon, ""), undated("OPTIN", updated(later))}, "deny " + noon},
		{"denies at no time", []json.RawMessage{undated("OPTOUT", updated(later))}, "deny " + later},
		{"about something else", []json.RawMessage{json.RawMessage(strings.Replace(string(consentJSON("c1", "active", "OPTOUT", noon, "")), "messaging", "research", 1))}, ""},
		{"none that can be read", []json.RawMessage{json.RawMessage(`{`)}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var kept []pipeline.Versioned
			for _, raw := range c.kept {
				kept = append(kept, pipeline.Versioned{Resource: raw})
			}
			w := pipeline.NewestConsent(kept, at("2026-03-10T12:00:00Z"))
			got := ""
			if w.Choice != fhir.ChoiceUnknown {
				got = string(w.Choice) + " " + w.At.UTC().Format(time.RFC3339)
			}
			same(t, "word", got, c.want)
		})
	}
}

// TestConsentAndWords: of what a Consent says and the number has said, the newer counts.
func TestConsentAndWords(t *testing.T) {
	const said = "2000-01-01T00:00:10Z"
	for _, c := range []struct {
		name, rule string
		word       int // seconds, 0 for none
		stopped    bool
		want       pipeline.Reason // "" if it is sent
	}{
		{"denied", "OPTOUT", 0, false, pipeline.ReasonDenied},
		{"denied, and START since", "OPTOUT", 11, false, ""},
		{"denied since START", "OPTOUT", 9, false, pipeline.ReasonDenied},
		{"denied when START was said", "OPTOUT", 10, false, pipeline.ReasonDenied},
		{"permitted", "OPTIN", 0, false, ""},
		{"permitted since STOP", "OPTIN", 9, true, ""},
		{"permitted, and STOP since", "OPTIN", 11, true, pipeline.ReasonStopped},
		{"permitted when STOP was said", "OPTIN", 10, true, pipeline.ReasonStopped},
		{"denied and STOP", "OPTOUT", 5, true, pipeline.ReasonStopped},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := dueNow("n1")
				n.Consents = true
				k := newDesk(n)
				k.consents = []pipeline.Versioned{{Resource: consentJSON("c1", "active", c.rule, said, "")}}
				pass(20 * time.Second)
				s := pipeline.Sender{Stopped: c.stopped}
				if c.word > 0 {
					s.Word = at("2000-01-01T00:00:00Z").Add(time.Duration(c.word) * time.Second)
				}
				k.senders[number] = s
				stop := start(dispatching(t, k, taken).Run)
				pass(time.Second)
				stop()
				want := "n1 accepted"
				if c.want != "" {
					want = "n1 skipped " + string(c.want)
				}
				same(t, "ends", strings.TrimSpace(strings.Join(k.states(), ", ")), want)
			})
		})
	}
}

// TestIntakeOfConsents: only those about messages are kept, and none that the bridge has written.
func TestIntakeOfConsents(t *testing.T) {
	const noon = "2026-03-01T12:00:00Z"
	event := func(raw json.RawMessage) []pipeline.Event {
		return []pipeline.Event{{Type: "Consent", ID: "c1", Version: "1", Resource: raw}}
	}
	about := json.RawMessage(strings.Replace(string(consentJSON("c1", "active", "OPTOUT", noon, "")), "messaging", "research", 1))
	known := map[string]json.RawMessage{"Consent/c1": consentJSON("c1", "active", "OPTOUT", noon, "")}
	keeps := func(pipeline.Event) (pipeline.Applied, error) { return pipeline.Applied{}, nil }
	gone := []pipeline.Event{{Type: "Consent", ID: "c1", Operation: pipeline.Delete}}
	for _, c := range []intakeCase{
		{name: "about messages", events: event(consentJSON("c1", "active", "OPTOUT", noon, "")), apply: keeps, outcomes: []string{"Consent kept"}, applied: "Consent/c1"},
		{name: "about something else", events: event(about), outcomes: []string{"Consent ignored"}},
		{name: "about something else by now", events: event(about), kept: known, apply: keeps, outcomes: []string{"Consent kept"}, applied: "Consent/c1"},
		{name: "of the bridge", events: event(consentJSON("c1", "active", "OPTOUT", noon, writtenHere)), outcomes: []string{"Consent ignored"}},
		{name: "of the bridge, withdrawn by people", events: event(consentJSON("c1", "inactive", "OPTIN", noon, writtenHere)), apply: keeps, outcomes: []string{"Consent kept"}, applied: "Consent/c1"},
		{name: "of the bridge, turned by people", events: event(consentJSON("c1", "active", "OPTOUT", noon, ofStart)), apply: keeps, outcomes: []string{"Consent kept"}, applied: "Consent/c1"},
		{name: "faulty, and none of ours", events: event(json.RawMessage(`{"resourceType":"Consent","id":"c1","status":"perhaps"}`)), outcomes: []string{"Consent ignored"}},
		{name: "faulty, about messages", events: event(consentJSON("c1", "perhaps", "OPTOUT", noon, "")), outcomes: []string{"Consent dead"}, reasons: "unknown_code Consent.status"},
		{name: "gone", events: gone, kept: known, apply: keeps, outcomes: []string{"Consent kept"}, applied: "Consent/c1"},
		{name: "gone, and never known", events: gone, outcomes: []string{"Consent ignored"}},
	} {
		c.needs = []string{}
		t.Run(c.name, func(t *testing.T) { c.run(t) })
	}
}
