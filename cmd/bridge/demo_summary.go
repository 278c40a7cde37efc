package main

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"

	"fhirbridge/adapters/kafka"
	"fhirbridge/pipeline"
)

// quiet waits until nothing is under way: every record committed, every webhook
// taken, nothing due, nothing owed, nobody waited for.
func (d *demo) quiet(ctx context.Context) error { return d.until(ctx, d.busy) }

// until waits until busy names nothing any more, and as long as the user has patience.
func (d *demo) until(ctx context.Context, busy func(context.Context) (string, error)) error {
	patient, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	begun, told := time.Now(), false
	for calm := 0; calm < 3; {
		if err := d.whatsapp.Drain(patient); err != nil {
			return fmt.Errorf("the bridge takes no webhooks: %w", err)
		}
		what, err := busy(ctx)
		if err != nil {
			return err
		}
		if calm++; what != "" {
			calm = 0
		}
		if what != "" && patient.Err() != nil {
			return fmt.Errorf("after %s there was still something under way: %s", d.patience, what)
		}
		if what != "" && !told && time.Since(begun) > demoSilence {
			d.screen.note(fmt.Sprintf("… up to %s for what is still under way: %s", d.patience, what))
			told = true
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(60 * time.Millisecond):
		}
	}
	return nil
}

// demoSilence is how long the demo waits before it says for what.
const demoSilence = 3 * time.Second

// busy names something that is under way or waits, "" if nothing is.
func (d *demo) busy(ctx context.Context) (string, error) {
	what, err := d.moving(ctx)
	if what != "" || err != nil {
		return what, err
	}
	c, err := d.app.ledger.Census(ctx)
	if c.Parked > 0 {
		what = "events that wait for their patient"
	}
	return what, err
}

// moving names something that goes on by itself, as what waits for a patient does not.
func (d *demo) moving(ctx context.Context) (string, error) {
	for _, s := range []*kafka.Subscriber{d.app.events, d.app.updates} {
		all, err := s.Group(ctx)
		if err != nil { // it may pass
			return "Kafka does not answer", nil
		}
		for _, p := range all {
			if p.Committed < p.HighWater {
				return "records of " + p.Topic, nil
			}
		}
	}
	c, err := d.app.ledger.Census(ctx)
	if err != nil {
		return "", err
	}
	open := count(c, pipeline.Sending) + count(c, pipeline.StateUnknown)
	switch {
	case c.OldestDue > 0 || open > 0:
		return "notifications", nil
	case c.Writes[pipeline.SinkServer]+c.Writes[pipeline.SinkTopic] > 0:
		return "FHIR writes", nil
	}
	return "", nil
}

func count(c pipeline.Census, s pipeline.State) (n int) {
	for _, k := range c.Notifications[s] {
		n += k
	}
	return n
}

// counters sums a metric of the bridge by one label.
func (d *demo) counters(name, label string) map[string]int {
	sums := map[string]int{}
	families, _ := d.app.registry.Gather()
	for _, f := range families {
		if f.GetName() != "bridge_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			sums[labelOf(m, label)] += int(m.GetCounter().GetValue())
		}
	}
	return sums
}

func labelOf(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// charted counts the messages in the chart, and the conversations that they are part of.
func (d *demo) charted() (messages, conversations int) {
	for _, raw := range d.ehr.All("Communication") {
		if isHeader(raw) {
			conversations++
		} else {
			messages++
		}
	}
	return messages, conversations
}

// summary tells what became of everything, and fails if something was lost.
func (d *demo) summary(ctx context.Context) error {
	c, err := d.app.ledger.Census(ctx)
	if err != nil {
		return err
	}
	events, replies := d.counters("events_total", "outcome"), d.counters("replies_total", "reading")
	d.screen.scene("Summary")
	d.screen.line("  records on the feed    %d", d.records)
	d.screen.line("  events                 %s", list(events))
	d.screen.line("  messages               %d accepted by WhatsApp, %d of them twice", d.whatsapp.Count(), len(d.whatsapp.Duplicates()))
	d.screen.line("  notifications          %s", list(states(c)))
	d.screen.line("  replies                %s", list(replies))
	said, conversations := d.charted()
	d.screen.line("  Communications         %d in the chart, in %d conversations; Tasks for people: %d", said, conversations, d.ehr.Count("Task"))
	d.screen.line("  dead letters           %s", list(d.letters.counted()))
	if c.Parked > 0 {
		d.screen.line("  waiting for a patient  %s", list(d.awaited(ctx, c.Parked)))
	}
	d.screen.line("\nNext: point it at your own feed: configs/bridge.yaml has every key, `bridge check` finds the mistakes, `bridge run` starts it.")
	d.screen.line("%s", d.why())
	if d.keep != "" {
		d.screen.line("Kept in %s: bridge.yaml, bridge.db, ledger.key", d.keep)
	}
	lost := len(d.whatsapp.Duplicates()) > 0 || c.GivenUp > 0 ||
		len(d.ehr.Duplicates("Communication")) > 0 || count(c, pipeline.Held) > 0 || c.Parked > 0
	if lost {
		return errUnaccounted
	}
	return nil
}

func states(c pipeline.Census) map[string]int {
	out := map[string]int{}
	for state, reasons := range c.Notifications {
		for reason, n := range reasons {
			name := string(state)
			if reason != pipeline.ReasonNone {
				name += " (" + string(reason) + ")"
			}
			out[name] += n
		}
	}
	return out
}

// list writes counts in words, the largest first.
func list(counts map[string]int) string {
	if len(counts) == 0 {
		return "none"
	}
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := names[i], names[j]
		return counts[a] > counts[b] || counts[a] == counts[b] && a < b
	})
	parts := slices.Clone(names)
	for i, name := range names {
		parts[i] = fmt.Sprintf("%d %s", counts[name], name)
	}
	return strings.Join(parts, ", ")
}
