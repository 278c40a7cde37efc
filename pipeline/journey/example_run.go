package journey

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// RunExamples runs the examples of every journey and returns what does not come
// out as they say. They happen at a hospital of their own, in Berlin.
func (b *Book) RunExamples() []Problem {
	stage, err := b.stage()
	if err != nil {
		return []Problem{{File: dirJourneys, Text: "the examples need the time zone " + exampleZone}}
	}
	var problems []Problem
	for _, name := range sortedKeys(stage.journeys) {
		j := stage.journeys[name]
		for i := range j.examples {
			e := &j.examples[i]
			p := play{book: stage.alone(j).booking(e).mapped(e), journey: j, example: e}
			if at, text := p.run(); text != "" {
				src := *at.source
				src.problems = &problems
				src.note(at.node, at.path, fmt.Sprintf("example %q: %s", e.name, text))
			}
		}
	}
	return problems
}

// stage is the Book at the facility of the examples.
func (b *Book) stage() (*Book, error) {
	zone, err := time.LoadLocation(exampleZone)
	if err != nil {
		return nil, err
	}
	stage := *b
	stage.settings = exampleSettings
	stage.settings.Timezone = zone
	if !slices.Contains(b.languages, stage.settings.Language) {
		stage.settings.Language = b.settings.Language
	}
	return &stage, nil
}

// alone is the Book as if j were the only journey about its type: what others say of the same subject is
// for their own examples.
func (b *Book) alone(j *journey) *Book {
	one := *b
	one.byType = map[string][]*journey{j.on: {j}}
	return &one
}

// play is one example being run, with what a ledger would keep of it.
type play struct {
	book    *Book
	journey *journey
	example *example

	known   pipeline.Known
	kept    fhir.Resource
	version int
	others  map[string]fhir.Resource
	now     time.Time
	replies int
	heard   time.Time // when the patient last wrote
	hands   string
	tries   int    // wrong answers to who the patient is
	chosen  string // the language that the patient has chosen
	strange bool   // the number is somebody else's
	free    []time.Time
	sent    []spoken // since the last moment
	all     []pipeline.SentMessage
}

// spoken is a message that an example has sent.
type spoken struct {
	step, words string
	at          time.Time
}

func (p *play) lookup(ref string) fhir.Resource { return p.others[ref] }

// run plays the example; it returns where and why it came out otherwise, or "".
func (p *play) run() (value, string) {
	var err error
	if p.others, err = p.example.directory(); err != nil {
		return p.example.at, "its patient cannot be read"
	}
	for i := range p.example.timeline {
		m := &p.example.timeline[i]
		p.sent = nil
		p.send(m.at)
		if m.at.Before(p.now) {
			return m.place, "is earlier than the moment before"
		}
		p.now = m.at
		if text := p.happen(m); text != "" {
			return m.place, text
		}
		p.send(m.at)
		if at, text := p.compare(m); text != "" {
			return at, text
		}
	}
	return value{}, ""
}

// send sends everything that falls due until a moment, in its order.
func (p *play) send(until time.Time) {
	for {
		next := -1
		for i, n := range p.known.Open {
			if !n.Due.After(until) && (next < 0 || n.Due.Before(p.known.Open[next].Due)) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		n := p.known.Open[next]
		p.known.Open = slices.Delete(slices.Clone(p.known.Open), next, next+1)
		if n.Due.After(p.now) {
			p.now = n.Due
		}
		p.speakAlone(n)
	}
}

func (p *play) speak(n pipeline.Notification) {
	facts := pipeline.Facts{Known: p.known, Lookup: p.lookup, Language: p.chosen, Window: n.ReplyTo != "" || p.inWindow(), Now: p.now}
	if n.Subject != "" {
		facts.Subject = p.subjectOf(n)
	}
	facts.Patient, _ = p.others[n.Patient].(*fhir.Patient)
	facts.With = p.companions(n, facts)
	composed, _ := p.book.Compose(n, facts, exampleAttempt) // it returns no error
	if p.strange && !n.Farewell {
		composed.Skip = pipeline.ReasonWrongNumber
	}
	if composed.Skip != pipeline.ReasonNone {
		p.sent = append(p.sent, spoken{step: n.Step + " (not sent: " + string(composed.Skip) + ")", at: p.now})
		return
	}
	if p.withheld(composed.Attach) {
		return
	}
	if n.Subject != "" {
		p.tell(n)
	}
	p.sent = append(p.sent, spoken{step: n.Step, words: composed.Message.Seen.Reveal(), at: p.now})
	p.all = append(p.all, pipeline.SentMessage{Notification: n, Attempt: pipeline.Attempt{
		Actions: composed.Actions, Choices: composed.Choices, Shown: composed.Shown, Language: composed.Message.Language, SubjectVersion: strconv.Itoa(p.version), Begun: p.now, Awaits: composed.Awaits,
	}})
}

// happen does what the moment says.
func (p *play) happen(m *moment) string {
	if m.free != nil {
		p.free = m.free
	}
	if m.deleted {
		p.decide(pipeline.Change{Previous: p.kept, Known: p.known, Lookup: p.lookup, Now: p.now})
		p.kept = nil
		return p.handed(m)
	}
	if m.event != nil {
		p.version++
		raw, err := m.resource(p.journey.on, strconv.Itoa(p.version))
		if err != nil {
			return "its event cannot be written as JSON"
		}
		current, err := fhir.Decode(raw)
		if err != nil {
			return "its event is not right: " + err.Error()
		}
		p.decide(pipeline.Change{
			Previous: p.kept, Current: current, Version: strconv.Itoa(p.version), Known: p.known, Lookup: p.lookup, Now: p.now,
		})
		p.kept = current
		if text := p.handed(m); text != "" {
			return text
		}
	}
	if m.tap != "" || m.says != "" {
		return p.hear(m)
	}
	return ""
}

// decide plans what a change leads to.
func (p *play) decide(c pipeline.Change) {
	plan, _ := p.book.Decide(c) // it returns no error
	p.known.Open = plan.Wanted
	p.hands = ""
	for _, e := range plan.Errands {
		p.hands = strings.TrimPrefix(p.hands+" "+e.Code, " ")
	}
}

// handed compares what people are asked to do about an event.
func (p *play) handed(m *moment) string {
	if p.hands != m.hands {
		return fmt.Sprintf("hands: got %q, want %q", p.hands, m.hands)
	}
	return ""
}

// thread is what a ledger would find that the patient may be answering: the newest message that awaits words, that
// has the button, or to which what is written can only be an answer.
func (p *play) thread(m *moment) pipeline.Thread {
	t := pipeline.Thread{How: "none", SubjectVersion: strconv.Itoa(p.version), Known: p.known, Patients: []string{"Patient/1"}, Chosen: p.chosen, Lookup: p.seen, Now: p.now}
	t.From, t.Tries = pipeline.NewPrivate(exampleNumber), pipeline.Tries{Subject: p.tries, Lately: p.tries}
	for i, s := range slices.Backward(p.all) {
		t.Language = cmp.Or(t.Language, s.Attempt.Language)
		switch {
		case t.Sent != nil:
		case m.tap == "" && i == len(p.all)-1 && s.Attempt.Awaits:
			t.Sent, t.How = &p.all[i], "asked"
		case (s.Notification.Subject != "" || m.tap != "") && m.answers(s):
			t.Sent, t.How = &p.all[i], "only"
		}
	}
	if t.Sent != nil {
		t.Subject = p.kept
	}
	return t
}

// tapped is a message as a ledger gives it to whoever has tapped a button, or a row, of it.
func (m *moment) tapped(s pipeline.SentMessage) *pipeline.SentMessage {
	s.Action = m.tap
	if visitsOf(s.Attempt) != nil {
		s.Choice = s.Attempt.Choices[0]
	} else if m.row > 0 {
		s.Choice = s.Attempt.Choices[m.row-1]
	}
	return &s
}

// hear lets the patient answer.
func (p *play) hear(m *moment) string {
	p.replies++
	p.heard = p.now
	r := pipeline.Reply{ID: "wamid.example" + strconv.Itoa(p.replies), Kind: "text", Text: pipeline.NewPrivate(m.says), At: p.now}
	t := p.thread(m)
	if m.tap != "" {
		if t.Sent == nil {
			return fmt.Sprintf("there is no message with a button for %q", m.tap)
		}
		r.Kind, r.Text, t.Sent, t.How = "button", pipeline.Private{}, m.tapped(*t.Sent), "token"
	}
	o, _ := p.book.Understand(r, t) // it returns no error
	p.chosen, p.strange = cmp.Or(o.Language, p.chosen), p.strange || len(o.Disowns) > 0
	if o.Plan != nil {
		p.known.Open = o.Plan.Wanted
	}
	if o.Answer != nil {
		p.known = p.known.With(*o.Answer)
	}
	p.tried(o.Try)
	say := o.Say
	if o.Wish != nil {
		say = append(say, p.grant(m, &o)...)
	} else if o.Decision != nil && m.ehr == cameAsked {
		say = append(say, o.Decision.Asked...)
	} else if o.Decision != nil {
		say = append(say, o.Decision.Done...)
	}
	p.known.Open = append(slices.Clone(p.known.Open), say...)
	return outcome(m, o)
}
