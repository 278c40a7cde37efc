package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
)

// The journeys of these tests: one step, one template in two languages.
const (
	visitJourney = `
journey: visit
on: Appointment
steps: [{name: who, when: became booked, send: visit, expires: start}]
`
	visitTemplate = `
template: visit
kind: template
category: utility
message_send_ttl_seconds: 43200
may_show: [place]
parameters: {place: {field: place.name, example: House 2}}
buttons: []
languages:
  en: {body: "Please come to see us.\nThe place: {{place}}.\nThank you!", footer: Harbour Hospital}
  de: {body: "Bitte kommen Sie zu uns.\nDer Ort: {{place}}.\nDanke!", footer: Harbour Hospital}
`
)

// counter is an account at Meta, and a bridge that manages it.
type counter struct {
	t        *testing.T
	dir      string
	config   string
	whatsapp *sandbox.WhatsApp
	ahead    atomic.Int64 // of Meta's clock
}

const managingToken = "EAAGcanarytoken"

func newCounter(t *testing.T, templates ...sandbox.Template) *counter {
	t.Helper()
	c := &counter{t: t, dir: t.TempDir()}
	w, err := sandbox.NewWhatsApp(sandbox.WhatsAppConfig{
		AccessToken: managingToken, PhoneNumberID: "1066", WABAID: "77", Templates: templates,
		Clock: func() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) },
	})
	must(t, err)
	t.Cleanup(func() { _ = w.Close() })
	c.whatsapp = w
	c.write("journeys/visit.yaml", visitJourney)
	c.write("templates/visit.yaml", visitTemplate)
	c.configure(`waba_id: "77", `, managingToken)
	return c
}

func (c *counter) configure(more, token string) {
	c.t.Helper()
	c.config = c.write("bridge.yaml", fmt.Sprintf(strings.Replace(soundConfig, "{provider: cloudapi, phone_number_id: \"1066\", access_token: a,",
		"{provider: cloudapi, phone_number_id: \"1066\", %sbase_url: %q, access_token: %s,", 1)+"journeys: %q\ntemplates: %q\n",
		more, c.whatsapp.URL(), token, filepath.Join(c.dir, "journeys"), filepath.Join(c.dir, "templates")))
}

func (c *counter) write(name, text string) string {
	c.t.Helper()
	file := filepath.Join(c.dir, name)
	must(c.t, os.MkdirAll(filepath.Dir(file), 0o700))
	must(c.t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// edit replaces words in the template's file.
func (c *counter) edit(pairs ...string) {
	c.write("templates/visit.yaml", strings.NewReplacer(pairs...).Replace(visitTemplate))
}

// bridge runs the program and returns what it printed and its exit code.
func (c *counter) bridge(args ...string) (out string, code int) {
	c.t.Helper()
	var buffer bytes.Buffer
	cmd := root()
	cmd.SetArgs(append(args, "--config", c.config))
	cmd.SetOut(&buffer)
	cmd.SetErr(&buffer)
	err := cmd.ExecuteContext(c.t.Context())
	if err != nil {
		fmt.Fprintln(&buffer, err)
		code = exitCode(err)
	}
	if strings.Contains(buffer.String(), managingToken) {
		c.t.Errorf("%v prints a secret", args)
	}
	return buffer.String(), code
}

// gives runs the program and compares, white space folded.
func (c *counter) gives(want string, code int, args ...string) {
	c.t.Helper()
	got, gotCode := c.bridge(args...)
	if fold(got) != fold(want) || gotCode != code {
		c.t.Errorf("%s: got %d:\n%swant %d:\n%s", strings.Join(args, " "), gotCode, got, code, want)
	}
}

var blanks = regexp.MustCompile(`[ \t]+`)

func fold(s string) string {
	var lines []string
	for _, line := range strings.Split(blanks.ReplaceAllString(s, " "), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func (c *counter) set(language, status, why string) {
	c.t.Helper()
	must(c.t, c.whatsapp.SetTemplate(c.t.Context(), "visit", language, status, why))
}

// TestTemplatesFromNothingToApproved is the way of a new template: created, reviewed, edited.
func TestTemplatesFromNothingToApproved(t *testing.T) {
	other := sandbox.Template{Name: "sale", Language: "en", Category: "MARKETING", Components: []sandbox.TemplateComponent{{Type: "BODY", Text: "Sale!"}}}
	c := newCounter(t, other)
	const head = "TEMPLATE LANGUAGE STATUS CATEGORY QUALITY NOTE\n"
	const more = "The account has 1 more, of which the journeys know nothing; --json lists them.\n"
	const pushed = "TEMPLATE LANGUAGE WHAT STATUS NOTE\n"
	c.gives(head+"visit en MISSING - -\nvisit de MISSING - -\n"+more, 0, "templates", "status")
	c.gives("visit en: Meta has none\nvisit de: Meta has none\nthe templates differ\n", 1, "templates", "diff")
	c.gives(pushed+"visit en would create -\nvisit de would create -\n", 0, "templates", "push", "--dry-run")
	if _, ok := c.whatsapp.Template("visit", "en"); ok {
		t.Fatal("a dry run has created something")
	}
	c.gives(pushed+"visit en created PENDING\nvisit de created PENDING\n", 0, "templates", "push")
	c.gives("", 0, "templates", "diff")
	c.gives(pushed+"visit en nothing PENDING it is in review: wait\nvisit de nothing PENDING it is in review: wait\n", 0, "templates", "push")
	c.set("en", "APPROVED", "")
	c.set("de", "REJECTED", "INCORRECT_CATEGORY")
	c.gives(head+"visit en APPROVED UTILITY -\nvisit de REJECTED UTILITY - INCORRECT_CATEGORY\n"+more, 0, "templates", "status")
	c.gives(pushed+"visit en nothing APPROVED\nvisit de left REJECTED Meta refused these words: INCORRECT_CATEGORY\n"+errLeft.Error(), 1, "templates", "push")

	c.edit("The place:", "Where:", "Der Ort:", "Wo:")
	c.gives("visit en:\nbody\n- The place: {{place}}.\n+ Where: {{place}}.\nvisit de:\nbody\n- Der Ort: {{place}}.\n+ Wo: {{place}}.\nthe templates differ", 1, "templates", "diff")
	c.gives(pushed+"visit en edited APPROVED\nvisit de edited REJECTED\n", 0, "templates", "push")
	c.gives("", 0, "templates", "diff")
	c.edit("The place:", "At:", "Der Ort:", "Wo:", "43200", "600")
	c.set("de", "PAUSED", "FIRST_PAUSE")
	c.gives(pushed+"visit en not edited APPROVED it is in review, or was edited within 24 hours or 10 times in 30 days: wait "+
		"(cloudapi.templates.edit: refused not_editable (2388039))\nvisit de edited PAUSED\n"+errLeft.Error(), 1, "templates", "push")
	if got, _ := c.whatsapp.Template("visit", "de"); got.TTLSeconds != 600 || got.Status != "APPROVED" {
		t.Errorf("got %+v, want it edited and approved again", got)
	}
}

// TestShippedTemplatesArePushed is the first day of an account: Meta's rules take what the binary carries, a hundred in an hour.
func TestShippedTemplatesArePushed(t *testing.T) {
	c := newCounter(t)
	raw, err := os.ReadFile(c.config)
	must(t, err)
	own, _, _ := strings.Cut(string(raw), "journeys:")
	c.config = c.write("bridge.yaml", own)
	out, code := c.bridge("templates", "push")
	for hours := 1; code == 1 && hours < 12 && strings.Contains(out, "too many calls"); hours++ {
		c.ahead.Add(int64(time.Hour + time.Second))
		out, code = c.bridge("templates", "push")
	}
	if n := strings.Count(out, "PENDING"); code != 0 || n < 24 || n != strings.Count(out, "\n")-1 {
		t.Errorf("got %d, %d created:\n%s", code, n, out)
	}
	if out, code := c.bridge("templates", "diff"); code != 0 || out != "" {
		t.Errorf("afterwards: %d:\n%s", code, out)
	}
}
