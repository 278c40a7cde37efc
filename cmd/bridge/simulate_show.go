package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tidwall/gjson"
)

// meaning says what a resource is about.
func meaning(raw []byte) string {
	var parts []string
	for _, part := range [][2]string{
		{"", "status"}, {"", "statusReason.text"}, {"", "participantStatus"}, {"", "policyRule.coding.0.code"}, {"", "code.text"}, {"", "priority"}, {"about ", "about.0.reference"}, {"on ", "focus.reference"},
		{"of ", "appointment.reference"}, {"", "item.0.linkId"}, {"", "item.0.answer.0.valueInteger"}, {"of ", "encounter.reference"}, {"from ", "sender.reference"}, {"to ", "recipient.0.reference"}, {"for ", "for.reference"},
	} {
		if v := gjson.GetBytes(raw, part[1]).String(); v != "" && v != "routine" {
			parts = append(parts, part[0]+v)
		}
	}
	text := strings.Join(parts, ", ")
	if words := gjson.GetBytes(raw, "payload.0.contentString").String(); words != "" {
		text += ": “" + firstLine(words) + "”"
	}
	if isHeader(raw) {
		text += ": the conversation begins"
	}
	return text
}

// changes says what a JSON Patch sets.
func changes(patch []byte) string {
	var parts []string
	for _, op := range gjson.ParseBytes(patch).Array() {
		if name := op.Get("op").String(); name != "test" {
			parts = append(parts, name+" "+op.Get("path").String()+" "+op.Get("value").Raw)
		}
	}
	return strings.Join(parts, ", ")
}

// margin stands before what belongs to the line above.
const margin = "                           "

// print writes the timeline for people.
func (r *simulation) print(w io.Writer) error {
	var b strings.Builder
	var last time.Time
	for _, h := range r.Timeline {
		clock := h.At.Format("Mon 2006-01-02 15:04 MST")
		if h.At.Equal(last) && h.At.Location() == last.Location() && h.Event == nil && h.Reply == nil {
			clock = ""
		}
		last = h.At
		fmt.Fprintf(&b, "%-*s", len(margin), clock)
		h.print(&b)
	}
	b.WriteString(r.refused())
	_, err := io.WriteString(w, b.String())
	return err
}

// refused names what could not be taken in, a line each.
func (r *simulation) refused() string {
	var b strings.Builder
	for _, f := range r.Faults {
		fmt.Fprintf(&b, "refused: %s: %s\n", f.File, strings.TrimSpace(f.Reason+" "+f.Path))
	}
	return b.String()
}

func (h happening) print(b *strings.Builder) {
	switch {
	case h.Event != nil:
		h.Event.print(b)
	case h.Message != nil:
		m := h.Message
		kind := m.Journey + " " + m.Step
		if m.Template != "" {
			kind += ", template " + m.Template
		}
		fmt.Fprintf(b, "▶ %s  %s: %s (%s)\n", m.To, m.Patient, kind, m.Language)
		for _, line := range strings.Split(m.Text, "\n") {
			fmt.Fprintln(b, strings.TrimRight(margin+"│ "+line, " "))
		}
	case h.Unsaid != nil:
		h.Unsaid.print(b)
	case h.Reply != nil:
		h.Reply.print(b)
	case h.Write != nil:
		fmt.Fprintf(b, "%s %s: %s\n", h.Write.Method, h.Write.To, h.Write.Meaning)
	default:
		fmt.Fprintf(b, "%s\n", h.Note)
	}
}

func (u *simulatedUnsaid) print(b *strings.Builder) {
	does := "is not sent"
	if !u.Until.IsZero() {
		does = "waits until " + u.Until.Format(localTime)
	}
	fmt.Fprintf(b, "✗ %s: %s %s %s: %s\n", u.Patient, u.Journey, u.Step, does, u.Reason)
}

func (e *simulatedEvent) print(b *strings.Builder) {
	what := e.Resource
	if e.Version != "" {
		what += " version " + e.Version
	}
	fmt.Fprintf(b, "● %s of %s: %s", what, e.File, e.Outcome)
	if e.Zone != "" {
		fmt.Fprintf(b, "; times are of %s, %s", e.Zone, whence(e.ZoneFrom))
	}
	b.WriteString("\n")
	printPlan(b, e.Steps)
}

// printPlan writes steps in columns, with the patient where there are several.
func printPlan(b *strings.Builder, steps []simulatedStep) {
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	several := slices.ContainsFunc(steps, func(s simulatedStep) bool { return s.Patient != "" && s.Patient != steps[0].Patient })
	for _, s := range steps {
		name := s.Step
		if several {
			name = strings.TrimSpace(name + " " + s.Patient)
		}
		_, _ = fmt.Fprintf(table, "%s%s\t%s\t%s\n", margin, s.Journey, name, s.text()) // Flush tells of it
	}
	_ = table.Flush() // into memory
}

// text is when a step is said, or why it is not.
func (s simulatedStep) text() string {
	switch {
	case !s.Planned && s.Due.IsZero():
		return "not planned: " + s.Because
	case !s.Planned:
		return "not planned: " + s.Because + " (" + s.Due.Format(localTime) + ")"
	case s.now:
		return "now: " + s.Template
	}
	return s.Due.Format("Mon 2006-01-02 15:04 MST") + ": " + s.Template
}

func (r *simulatedReply) print(b *strings.Builder) {
	does := "writes “" + r.Words + "”"
	if r.Tap != "" {
		does = "taps [" + r.Tap + "]"
	}
	parts := []string{"read as " + r.Reading}
	if r.Decides != "" {
		parts = append(parts, "decides "+r.Decides)
	}
	if r.Wants != "" {
		parts = append(parts, "wants the visit "+r.Wants)
	}
	if r.HandsOver != "" {
		parts = append(parts, "people are asked: "+r.HandsOver)
	}
	if r.Stops != nil {
		parts = append(parts, map[bool]string{true: "no more messages", false: "messages again"}[*r.Stops])
	}
	if r.Speaks != "" {
		parts = append(parts, "messages in "+r.Speaks)
	}
	if len(r.Disowns) > 0 {
		parts = append(parts, "the number is not of "+strings.Join(r.Disowns, ", "))
	}
	fmt.Fprintf(b, "◀ %s  %s %s: %s\n", r.From, r.Patient, does, strings.Join(parts, ", "))
	printPlan(b, r.Steps)
}
