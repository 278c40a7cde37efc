package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/pipeline"
)

// screen is the terminal of the demo. It may show words and numbers: every
// person in it is invented, and with --events the data is the user's own.
type screen struct {
	mu  sync.Mutex
	out io.Writer
	api string // where the WhatsApp double listens
	// shown counts the messages that each phone has shown.
	shown map[string]int
}

func newScreen(out io.Writer) *screen { return &screen{out: out, shown: map[string]int{}} }

func (s *screen) line(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = fmt.Fprintf(s.out, format+"\n", args...)
}

func clock() string { return time.Now().Format("15:04:05.000") }

func (s *screen) world(d *demo) {
	s.line("bridge demo: everything is on this machine, every person is invented.\n")
	s.line("  Kafka      %s   (topics %s, bridge.inbound, bridge.communications, bridge.dead-letters)", d.broker.Addr(), demoTopic)
	s.line("  FHIR R4    %s", d.ehr.URL())
	s.line("  WhatsApp   http://%s   (Cloud API)", s.api)
	s.line("  bridge     http://%s/webhooks/main · http://%s/metrics", d.app.config.HTTP.Webhooks, d.app.config.HTTP.Admin)
	s.line("  ledger     %s", d.dir)
}

func (s *screen) scene(text string) { s.line("\n── %s", text) }

func (s *screen) note(text string) { s.line("             %s", text) }

// event is a record on the feed.
func (s *screen) event(ref, version string, raw []byte) {
	what := ""
	if status := gjson.GetBytes(raw, "status").String(); status != "" {
		what = "  " + status
	}
	if start := gjson.GetBytes(raw, "start").String(); start != "" {
		what += "  " + start
	}
	if version != "" {
		ref += " v" + version
	}
	s.line("%s  Kafka  %s%s", clock(), ref, what)
}

// message is what a phone shows.
func (s *screen) message(number string, m sandbox.ReceivedMessage) {
	kind := m.Kind
	if m.Template != "" {
		kind = m.Template + " (" + m.Language + ")"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  ▶ +%s   %s\n", clock(), strings.TrimPrefix(number, "+"), kind)
	for _, line := range strings.Split(m.Screen(), "\n") {
		fmt.Fprintf(&b, "             │ %s\n", line)
	}
	if len(m.Buttons) > 0 {
		titles := make([]string, len(m.Buttons))
		for i, button := range m.Buttons {
			titles[i] = "[" + button.Title + "]"
		}
		fmt.Fprintf(&b, "             │ %s\n", strings.Join(titles, "  "))
	}
	s.line("%s", strings.TrimSuffix(b.String(), "\n"))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown["+"+strings.TrimPrefix(number, "+")]++
}

// has returns how many messages a phone has shown.
func (s *screen) has(number string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown[number]
}

// patient is what somebody does with a phone.
func (s *screen) patient(number, does string) {
	s.line("%s  ◀ +%s   %s", clock(), strings.TrimPrefix(number, "+"), does)
}

// wrote is what arrived at the FHIR server.
func (s *screen) wrote(method, ref string, raw []byte) {
	get := func(path string) string { return gjson.GetBytes(raw, path).String() }
	parts := []string{method + " " + ref}
	for _, part := range [][2]string{
		{"status ", "status"}, {"part of ", "partOf.0.reference"}, {"about ", "about.0.reference"}, {"in response to ", "inResponseTo.0.reference"},
		{"from ", "sender.reference"}, {"to ", "recipient.0.reference"}, {"for ", "for.reference"},
	} {
		if v := get(part[1]); v != "" {
			parts = append(parts, part[0]+v)
		}
	}
	if status := participants(raw); method == "PATCH" && status != "" {
		parts = append(parts, status)
	}
	text := strings.Join(parts, ", ")
	if words := get("payload.0.contentString"); words != "" {
		text += ": “" + firstLine(words) + "”"
	}
	if isHeader(raw) {
		text += ": the conversation begins"
	}
	if what := get("code.text"); strings.HasPrefix(ref, "Task/") {
		text += ": " + what
	}
	s.line("%s  FHIR   %s", clock(), text)
}

// isHeader reports whether a resource is the header of a conversation.
func isHeader(raw []byte) bool {
	return gjson.GetBytes(raw, `identifier.#(system=="`+pipeline.SystemThread+`")`).Exists()
}

// participants tells how the patients of an appointment stand.
func participants(raw []byte) string {
	var appointment struct {
		Participant []struct {
			Actor  struct{ Reference string }
			Status string
		}
	}
	if json.Unmarshal(raw, &appointment) != nil {
		return ""
	}
	var parts []string
	for _, p := range appointment.Participant {
		if strings.HasPrefix(p.Actor.Reference, "Patient/") {
			parts = append(parts, p.Actor.Reference+" "+p.Status)
		}
	}
	return strings.Join(parts, ", ")
}

func firstLine(words string) string {
	line, rest, _ := strings.Cut(words, "\n")
	if rest != "" || len([]rune(line)) > 60 {
		return string([]rune(line)[:min(60, len([]rune(line)))]) + " …"
	}
	return line
}
