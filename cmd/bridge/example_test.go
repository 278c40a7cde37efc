package main

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/configs"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// TestExamples plays every example of every journey that the binary carries through the whole bridge: events on Kafka, the ledger on
// a disk, messages and taps over WhatsApp's protocol, decisions in a FHIR server. What is sent has the steps, times and
// words that the example says, and what patients have of their own, which is marked, stands nowhere else. With -short,
// the first three of each journey do.
func TestExamples(t *testing.T) { playExamples(t, "", 3) }

// TestExamplesWithTyntec plays them with tyntec in the place of Meta; with -short, the first of each journey.
func TestExamplesWithTyntec(t *testing.T) { playExamples(t, "tyntec", 1) }

func playExamples(t *testing.T, provider string, short int) {
	book, err := loadJourneys(exampleConfig())
	must(t, err)
	examples, err := book.Examples()
	must(t, err)
	played := map[string]int{}
	for _, e := range examples {
		if e.Booking {
			continue // TestFreeSlots plays what is offered and chosen
		}
		if played[e.Journey]++; testing.Short() && played[e.Journey] > short {
			continue
		}
		t.Run(e.Journey+"/"+e.Name, func(t *testing.T) {
			t.Parallel()
			p := newPlay(t, e, provider)
			for i := range e.Timeline {
				p.happens(&e.Timeline[i])
			}
			p.ends()
			p.leaksNothing()
		})
	}
}

// exampleConfig is where the examples happen.
func exampleConfig() *Config {
	c, err := (&simulateOptions{config: "none"}).configuration(false)
	if err != nil {
		panic(err) // nothing is read
	}
	return c
}

// play is an example on its stage.
type play struct {
	*playhouse
	journey.Example
	canary *canary
	phone  *sandbox.Phone
	rules  string // the file of the journey
	given  string // whose place the mark has
	// told are the notifications, and charted the resources, of the moments before.
	told, charted map[string]bool
}

// subject is the reference of what an example is about.
func (p *play) subject() string { return p.On + "/1" }

func newPlay(t *testing.T, e journey.Example, provider string) *play {
	t.Helper()
	rungs := "[status, patch, response, task]"
	if slices.ContainsFunc(e.Timeline, func(m journey.Moment) bool { return m.EHR == "asked" }) {
		rungs = "[patch, response, task]"
	}
	rules, err := fs.ReadFile(configs.Journeys(), e.File)
	must(t, err)
	first := e.Timeline[0].At.Add(-time.Hour)
	p := &play{
		playhouse: newPlayhouse(t, first, alone(t, e.File), rungs, provider, mapped(t, e.Maps)), Example: e, canary: newCanary(), rules: string(rules),
		told: map[string]bool{}, charted: map[string]bool{},
	}
	p.phone = p.whatsapp.Phone(markNumber)
	p.phone.SetProfile(markProfile)
	for _, raw := range e.Known {
		p.meets(raw)
	}
	must(t, p.ehr.Seed([]byte(`{"resourceType":"Binary","id":"1","contentType":"application/pdf","data":"JVBERi0="}`))) // of a report
	p.quiet()
	if e.On == "message" { // whoever writes has been told something before
		p.learns([]byte(appointment("before", "1", "booked", first.Add(240*time.Hour))))
		p.quiet()
	}
	p.since()
	return p
}

// meets makes somebody known, or some place, under the number of the canary if it is the patient of the example.
func (p *play) meets(raw []byte) {
	p.t.Helper()
	r := gjson.ParseBytes(raw)
	if p.given == "" && r.Get("resourceType").String() == "Patient" {
		p.given = r.Get("name.0.given.0").String()
	}
	number := strings.ReplaceAll(string(raw), "+15550100123", "+"+markNumber)
	switch r.Get("resourceType").String() {
	case "Patient", "RelatedPerson":
		p.learns(p.canary.marked([]byte(number), p.rules))
	default:
		p.learns(raw)
	}
}

// happens plays a moment and holds what came of it against what it says.
func (p *play) happens(m *journey.Moment) {
	p.t.Helper()
	p.goesOn(m.At)
	switch {
	case m.Deleted:
		p.loses(p.subject())
	case m.Resource != nil:
		p.comes(m.Resource)
	}
	p.quiet()
	if m.Tap != "" || m.Says != "" {
		p.answers(m)
	}
	p.goesOn(m.At)
	p.quiet()
	at := m.At.Format("2006-01-02 15:04")
	got := p.since()
	if text := got.compare(m, p.expected); text != "" {
		p.t.Fatalf("%s: %s", at, text)
	}
	if m.Decides != "" && !p.decided(m) {
		p.t.Errorf("%s: the EHR does not have what the patient decided, %s", at, m.Decides)
	}
	if m.Stops != "" {
		who, err := p.bridge.app.ledger.Sender(p.t.Context(), pipeline.NewPrivate("+"+markNumber))
		must(p.t, err)
		if got := fmt.Sprint(who.Stopped); got != m.Stops {
			p.t.Errorf("%s: stops: got %s, want %s", at, got, m.Stops)
		}
	}
}

// comes lets a version of the subject come. Patients in it whom the example does not introduce have no name.
func (p *play) comes(raw []byte) {
	p.t.Helper()
	for _, other := range regexp.MustCompile(`"Patient/(\w+)"`).FindAllSubmatch(raw, -1) {
		if id := string(other[1]); !slices.Contains(p.refs, "Patient/"+id) {
			p.learns(p.canary.marked(fmt.Appendf(nil,
				`{"resourceType":"Patient","id":%q,"telecom":[{"system":"phone","use":"mobile","value":"+1555017720%s"}]}`, id, id), p.rules))
			p.quiet()
		}
	}
	p.learns(p.canary.marked(raw, p.rules))
}

// answers lets the patient tap, or write.
func (p *play) answers(m *journey.Moment) {
	p.t.Helper()
	p.said++
	if m.Tap == "" {
		says := p.expected(m.Says) // with the name that the record has
		if m.Reads == "text" && strings.Contains(says, " ") {
			says += " " + markWords
		}
		p.canary.hear(says)
		p.phone.Write(says)
		p.quiet()
		return
	}
	attempts := map[string]pipeline.TraceEntry{}
	for _, e := range p.trace() {
		for _, a := range e.Attempts {
			attempts[a.ID] = e
		}
	}
	for _, message := range slices.Backward(p.phone.Messages()) {
		e := attempts[message.CallbackData]
		if m.Of != "" && m.Of != e.Notification.Step {
			continue
		}
		for _, a := range e.Attempts {
			if at := slices.Index(a.Actions, m.Tap); a.ID == message.CallbackData && at >= 0 {
				_, err := p.phone.Tap(message.ID, at)
				must(p.t, err)
				p.quiet()
				return
			}
		}
	}
	p.t.Fatalf("there is no message with a button for %q", m.Tap)
}

// decided reports whether the EHR has the decision: in the status of the visit where a message says that it has been done, with
// the patient as the reason why it is cancelled; else in the participation.
func (p *play) decided(m *journey.Moment) bool {
	raw, _ := p.ehr.Resource(p.subject())
	done := slices.ContainsFunc(m.Sends, func(s journey.Saying) bool { return strings.HasSuffix(s.Step, ":done") })
	switch {
	case done && m.Decides == "declined":
		return gjson.GetBytes(raw, "status").String() == "cancelled" && gjson.GetBytes(raw, "cancelationReason.coding.0.code").String() == "pat"
	case done:
		return gjson.GetBytes(raw, "status").String() == "arrived"
	}
	return gjson.GetBytes(raw, `participant.#(actor.reference=="Patient/1").status`).String() == m.Decides
}

// ends checks that everything is accounted for, and that nothing was done twice.
func (p *play) ends() {
	p.t.Helper()
	census, err := p.bridge.app.ledger.Census(p.t.Context())
	must(p.t, err)
	for _, state := range []pipeline.State{pipeline.Sending, pipeline.StateUnknown, pipeline.Failed, pipeline.Held, pipeline.Expired} {
		if n := count(census, state); n > 0 {
			p.t.Errorf("%d notifications are %s", n, state)
		}
	}
	if census.GivenUp > 0 || census.Parked > 0 || len(census.Writes) > 0 && census.Writes["server"]+census.Writes["topic"] > 0 {
		p.t.Errorf("%d writes were given up, %d events wait, writes that wait: %v", census.GivenUp, census.Parked, census.Writes)
	}
	if again := p.whatsapp.Duplicates(); len(again) > 0 {
		p.t.Errorf("%d messages were sent twice", len(again))
	}
	for _, kind := range []string{"Communication", "Task", "AppointmentResponse"} {
		if again := p.ehr.Duplicates(kind); len(again) > 0 {
			p.t.Errorf("%s: %d were filed twice", kind, len(again))
		}
	}
	if got, want := p.counted("bridge_replies_total"), p.said; got != want {
		p.t.Errorf("%d replies were heard, want %d", got, want)
	}
}

// expected are the words of an example, with the mark in the patient's place.
func (p *play) expected(words string) string {
	if p.given == "" {
		return words
	}
	name := regexp.MustCompile(`(^|[^\pL])` + regexp.QuoteMeta(p.given) + `($|[^\pL])`)
	return name.ReplaceAllString(words, "${1}"+markGiven+"${2}")
}
