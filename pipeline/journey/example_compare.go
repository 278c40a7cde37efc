package journey

import (
	"fhirbridge/pipeline"
	"fmt"
	"strconv"
	"strings"
)

// compare holds what was sent against what the moment wants.
func (p *play) compare(m *moment) (value, string) {
	var got []string
	for _, s := range p.sent {
		got = append(got, s.step+" at "+s.at.In(p.book.settings.Timezone).Format(clockLayout))
	}
	if len(p.sent) != len(m.sends) {
		return m.place, fmt.Sprintf("sends %d, not %d: %s", len(got), len(m.sends), strings.Join(got, ", "))
	}
	for i, want := range m.sends {
		s := p.sent[i]
		switch {
		case s.step != want.step, !want.at.IsZero() && !s.at.Equal(want.at):
			return want.place, "got " + got[i]
		case !strings.Contains(s.words, want.words):
			return want.place, fmt.Sprintf("other words: %q", s.words)
		}
	}
	return value{}, ""
}

// outcome compares what came of a reply.
func outcome(m *moment, o pipeline.Outcome) string {
	decides, stops := "", ""
	if o.Decision != nil {
		decides = o.Decision.Status
	}
	if o.Stop != nil {
		stops = strconv.FormatBool(*o.Stop)
	}
	for _, c := range [][3]string{
		{"reads", o.Reading, m.reads}, {"decides", decides, m.decides}, {"hands", o.Handoff, m.hands}, {"stops", stops, m.stops},
		{"files", o.Filed.Reveal(), m.files},
	} {
		if c[1] != c[2] {
			return fmt.Sprintf("%s: got %q, want %q", c[0], c[1], c[2])
		}
	}
	return ""
}
