package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// came is what came of a moment.
type came struct {
	sent  []sentWords
	reads []string // how replies were read, by the chart
	tasks []string // codes of what people are asked to do
}

// sentWords is a message: its step, when it was sent, its words by the chart, and what of the phone's is not among them.
type sentWords struct {
	step, words, strange string
	at                   time.Time
}

// since returns what has come of the moments since it was last called.
func (p *play) since() came {
	p.t.Helper()
	var c came
	words := map[string]string{} // by attempt
	for _, raw := range p.ehr.All("Communication") {
		r := gjson.ParseBytes(raw)
		attempt := r.Get(`identifier.#(system=="` + pipeline.SystemAttempt + `").value`).String()
		words[attempt] = r.Get("payload.0.contentString").String()
		if read := strings.TrimPrefix(r.Get("note.0.text").String(), "Read as: "); attempt == "" && r.Get("note").Exists() && p.isNew("Communication", r) {
			c.reads = append(c.reads, read)
		}
	}
	for _, raw := range p.ehr.All("Task") {
		if r := gjson.ParseBytes(raw); p.isNew("Task", r) {
			c.tasks = append(c.tasks, r.Get("code.coding.0.code").String())
		}
	}
	shown := map[string]sandbox.ReceivedMessage{}
	for _, m := range p.whatsapp.Accepted() {
		shown[m.CallbackData] = m
	}
	for _, e := range p.trace() {
		n := e.Notification
		switch {
		case p.told[n.Key] || n.State == pipeline.Planned || n.State == pipeline.Cancelled:
			continue
		case n.State == pipeline.Skipped || n.State == pipeline.Expired:
			c.sent = append(c.sent, sentWords{step: n.Step + " (not sent: " + n.Reason + ")", at: e.States[len(e.States)-1].At})
		default:
			a := e.Attempts[len(e.Attempts)-1]
			m := shown[a.ID]
			c.sent = append(c.sent, sentWords{step: n.Step, words: words[a.ID], strange: strange(m, words[a.ID]), at: m.At})
		}
		p.told[n.Key] = true
	}
	slices.SortStableFunc(c.sent, func(a, b sentWords) int { return a.at.Compare(b.at) })
	return c
}

func (p *play) isNew(kind string, r gjson.Result) bool {
	ref := kind + "/" + r.Get("id").String()
	known := p.charted[ref]
	p.charted[ref] = true
	return !known
}

// strange returns what a phone shows and the chart does not have.
func strange(m sandbox.ReceivedMessage, chart string) string {
	texts := []string{m.Header, m.Text, m.Footer}
	for _, b := range m.Buttons {
		texts = append(texts, b.Title)
	}
	if m.Location != nil {
		texts = append(texts, m.Location.Name, m.Location.Address)
	}
	for _, text := range texts {
		if !strings.Contains(chart, text) {
			return cmp.Or(text, "nothing")
		}
	}
	return ""
}

// compare returns what is otherwise than a moment says, "" if nothing is.
func (c came) compare(m *journey.Moment, expected func(string) string) string {
	var got []string
	for _, s := range c.sent {
		got = append(got, s.step+" at "+s.at.In(m.At.Location()).Format("2006-01-02 15:04"))
		if s.strange != "" {
			return fmt.Sprintf("%s: the phone shows %q, and the chart does not", s.step, s.strange)
		}
	}
	if len(c.sent) != len(m.Sends) {
		return fmt.Sprintf("sends %d, not %d: %s", len(c.sent), len(m.Sends), strings.Join(got, ", "))
	}
	left := slices.Clone(c.sent)
	for _, want := range m.Sends { // those of one moment may go out in another order
		at := slices.IndexFunc(left, func(s sentWords) bool {
			return s.step == want.Step && (want.At.IsZero() || s.at.Equal(want.At)) && strings.Contains(s.words, expected(want.Words))
		})
		if at < 0 {
			return fmt.Sprintf("no message %s %s with the words %q; got %s: %+v", want.Step, want.At, expected(want.Words), strings.Join(got, ", "), left)
		}
		left = slices.Delete(left, at, at+1)
	}
	if got := strings.Join(c.reads, " "); got != m.Reads {
		return fmt.Sprintf("reads: got %q, want %q", got, m.Reads)
	}
	tasks := slices.Sorted(slices.Values(c.tasks))
	wanted := slices.Sorted(slices.Values(strings.Fields(m.Hands)))
	if m.EHR == "asked" && len(tasks) > 0 { // that of the decision, whose code is why
		wanted = slices.Sorted(slices.Values(append(wanted, "wish_of_the_patient")))
	}
	if !slices.Equal(tasks, wanted) {
		return fmt.Sprintf("hands: got %q, want %q", tasks, wanted)
	}
	return ""
}
