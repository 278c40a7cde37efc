package pipeline_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

// digesting is a desk with others that may be said together with what is due.
type digesting struct {
	*desk
	others []pipeline.DueNotification
	asked  []string // "step until"
}

func (d *digesting) Companions(_ context.Context, n pipeline.Notification, until time.Time, limit int) ([]pipeline.DueNotification, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, fmt.Sprint(n.Key, " ", until.Sub(n.Due)))
	return d.others[:min(limit, len(d.others))], nil
}

// sayTogether composes a message of a template that is named for how many it says, at most two; its text names them.
func sayTogether(n pipeline.Notification, f pipeline.Facts, attempt string) (pipeline.Composed, error) {
	text, name := n.Key, "one"
	for _, c := range f.With {
		text, name = text+"+"+c.Notification.Key, "two"
	}
	if len(f.With) > 1 {
		return pipeline.Composed{Skip: pipeline.ReasonNoTemplate}, nil
	}
	c, _ := sayKey(n, f, attempt)
	c.Message.Text = pipeline.Private{}
	c.Message.Template = &pipeline.Template{Name: name, Body: []pipeline.Parameter{{Name: "text", Text: pipeline.NewPrivate(text)}}}
	return c, nil
}

func TestDispatchSaysTogether(t *testing.T) {
	reminder := func(key string, change ...func(*pipeline.DueNotification)) pipeline.DueNotification {
		n := dueNow(key)
		n.Digest, n.Step = true, "reminder"
		for _, c := range change {
			c(&n)
		}
		return n
	}
	none := func(*pipeline.DueNotification) {}
	for _, c := range []struct {
		name   string
		change func(*pipeline.DueNotification) // of what is due
		others func() []pipeline.DueNotification
		gate   string // the template to which a gate objects
		fails  error
		said   string
		covers string
		asked  string
		ends   string
	}{
		{"with another", none, func() []pipeline.DueNotification { return []pipeline.DueNotification{reminder("n2")} }, "", nil, "n1+n2", "n2", "n1 10m0s", "n1 accepted"},
		{"with as many as there are words for", none, func() []pipeline.DueNotification {
			return []pipeline.DueNotification{reminder("n2"), reminder("n3")}
		}, "", nil, "n1+n2", "n2", "n1 10m0s", "n1 accepted"},
		{"with none", none, func() []pipeline.DueNotification { return nil }, "", nil, "n1", "", "n1 10m0s", "n1 accepted"},
		{"what is no digest asks for none", func(n *pipeline.DueNotification) { n.Digest = false }, nil, "", nil, "n1", "", "", "n1 accepted"},
		{"what is to be alone asks for none", func(n *pipeline.DueNotification) { n.Alone = true }, nil, "", nil, "n1", "", "", "n1 accepted"},
		{"an answer asks for none", func(n *pipeline.DueNotification) { n.ReplyTo = "m1" }, nil, "", nil, "n1", "", "", "n1 accepted"},
		{"one that has expired is left alone", none, func() []pipeline.DueNotification {
			return []pipeline.DueNotification{reminder("n2", func(n *pipeline.DueNotification) { n.Expires = n.Due }), reminder("n3")}
		}, "", nil, "n1+n3", "n3", "n1 10m0s", "n1 accepted"},
		{"one that goes elsewhere is left alone", none, func() []pipeline.DueNotification {
			return []pipeline.DueNotification{reminder("n2", func(n *pipeline.DueNotification) { n.Address = pipeline.NewPrivate(newNumber) })}
		}, "", nil, "n1", "", "n1 10m0s", "n1 accepted"},
		{"a gate objects to the template for two", none, func() []pipeline.DueNotification { return []pipeline.DueNotification{reminder("n2")} }, "two", nil, "n1", "", "n1 10m0s", "n1 accepted"},
		{"refused: each by itself", none, func() []pipeline.DueNotification { return []pipeline.DueNotification{reminder("n2")} }, "", refused("132001"), "n1+n2", "n2", "n1 10m0s", "n1 planned refused alone"},
		{"refused for good: together", none, func() []pipeline.DueNotification { return []pipeline.DueNotification{reminder("n2")} }, "", refused("131050"), "n1+n2", "n2", "n1 10m0s", "n1 failed refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := reminder("n1", c.change)
				k := &digesting{desk: newDesk(n)}
				if c.others != nil {
					k.others = c.others()
				}
				var said []string
				d := dispatching(t, k.desk, func(_ context.Context, m pipeline.Message) (pipeline.Receipt, error) {
					said = append(said, m.Template.Body[0].Text.Reveal())
					return pipeline.Receipt{MessageID: "wamid.1"}, c.fails
				})
				d.Ledger, d.Journeys = k, &journeys{compose: sayTogether}
				d.Gates = append(d.Gates, objectsTo(c.gate))
				stop := start(d.Run)
				pass(time.Millisecond)
				stop()
				var covers []string
				for _, covered := range k.begun()[0].Covers {
					covers = append(covers, covered.Key)
					same(t, "version", covered.SubjectVersion, "1")
				}
				ends := k.states()[0]
				if k.ends[0].Alone {
					ends += " alone"
				}
				same(t, "said, covered, asked, ended", []string{said[0], strings.Join(covers, " "), strings.Join(k.asked, ", "), ends}, []string{c.said, c.covers, c.asked, c.ends})
			})
		})
	}
}

// objectsTo holds what would be sent by a template.
type objectsTo string

func (o objectsTo) Admit(_ context.Context, c pipeline.Candidate) (pipeline.Verdict, error) {
	name, _, err := c.Template()
	if err == nil && name == string(o) && name != "" {
		return pipeline.Verdict{Hold: pipeline.ReasonPaused}, nil
	}
	return pipeline.Verdict{}, err
}

func TestFilingIsAboutAllThatAMessageSays(t *testing.T) {
	m := told("Appointment/a1", pipeline.Fate{})
	m.Attempt.Covers = []pipeline.Covered{{Key: "n2", Subject: "Appointment/a2"}}
	body := filing.Sent(m)[0].Body.Reveal()
	for _, ref := range []string{"Appointment/a1", "Appointment/a2"} {
		same(t, ref, strings.Contains(body, `"`+ref+`"`), true)
	}
}
