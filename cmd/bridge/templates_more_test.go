package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fhirbridge/adapters/cloudapi"
	"fhirbridge/adapters/sandbox"
)

// TestPlanPush holds every rule of what Meta lets be edited.
func TestPlanPush(t *testing.T) {
	local := cloudapi.Template{Name: "visit", Language: "en", Category: "UTILITY", ParameterFormat: "NAMED"}
	meta := func(status string) *cloudapi.Template {
		return &cloudapi.Template{ID: "1", Status: status, RejectedReason: "SCAM"}
	}
	differs := func(paths ...string) (list []cloudapi.Difference) {
		for _, p := range paths {
			list = append(list, cloudapi.Difference{Path: p})
		}
		return list
	}
	cases := []struct {
		name   string
		meta   *cloudapi.Template
		found  []cloudapi.Difference
		action string
		note   string // a part of it
	}{
		{"there is none", nil, nil, pushCreate, ""},
		{"approved and the same", meta("APPROVED"), nil, pushNothing, ""},
		{"becomes another category", meta("APPROVED"), differs("category to come"), pushNothing, ""},
		{"in review and the same", meta("PENDING"), nil, pushNothing, "in review"},
		{"paused and the same", meta("PAUSED"), nil, pushNothing, ""},
		{"rejected and the same", meta("REJECTED"), nil, pushLeave, "SCAM"},
		{"disabled and the same", meta("DISABLED"), nil, pushLeave, "another name"},
		{"archived and the same", meta("ARCHIVED"), nil, pushLeave, "unarchive"},
		{"approved", meta("APPROVED"), differs("body"), pushEdit, ""},
		{"rejected", meta("REJECTED"), differs("body", "category"), pushEdit, ""},
		{"paused", meta("PAUSED"), differs("buttons"), pushEdit, ""},
		{"in review", meta("PENDING"), differs("body"), pushLeave, "wait"},
		{"in appeal", meta("IN_APPEAL"), differs("body"), pushLeave, "wait"},
		{"disabled", meta("DISABLED"), differs("body"), pushLeave, "another name"},
		{"being deleted", meta("PENDING_DELETION"), differs("body"), pushLeave, "30 days"},
		{"of another format", meta("APPROVED"), differs("parameter_format", "body"), pushLeave, "another name"},
		{"of another category", meta("APPROVED"), differs("category"), pushLeave, "cannot be edited"},
		{"of another category and other words", meta("APPROVED"), differs("category", "body"), pushEdit, "cannot be edited"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := planPush(pairing{local: local, meta: c.meta, found: c.found})
			if got.Action != c.action || !strings.Contains(got.Note, c.note) || c.note == "" && got.Note != "" {
				t.Errorf("got %s %q, want %s %q", got.Action, got.Note, c.action, c.note)
			}
			if wants := c.name == "rejected"; (got.edit.Category != "") != wants {
				t.Errorf("the category is sent: %q, want %v", got.edit.Category, wants)
			}
		})
	}
	if got := planPush(pairing{local: local, meta: meta("APPROVED"), found: differs("message_send_ttl_seconds")}); got.edit.TTL != -1 {
		t.Errorf("a lifetime that the file does not give: got %d, want Meta's default -1", got.edit.TTL)
	}
}

// TestPushEndsWhereTheOthersWouldMeetTheSame stops at a limit and goes on after a no.
func TestPushEndsWhereTheOthersWouldMeetTheSame(t *testing.T) {
	c := newCounter(t)
	posts := 0
	refuse := `{"error":{"code":80008}}`
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = w.Write([]byte(`{"data":[]}`))
			return
		}
		posts++
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(refuse))
	}))
	defer api.Close()
	raw, err := os.ReadFile(c.config)
	must(t, err)
	c.config = c.write("bridge.yaml", strings.Replace(string(raw), c.whatsapp.URL(), api.URL, 1))
	const head = "TEMPLATE LANGUAGE WHAT STATUS NOTE\n"
	c.gives(head+"visit en not created - too many calls; try again in 1h0m0s (cloudapi.templates.create: throttled rate_app (80008))\n"+
		"visit de not created - not tried: push ended before it\n"+errLeft.Error(), 1, "templates", "push")
	if posts != 1 {
		t.Errorf("%d posts, want 1", posts)
	}
	refuse = `{"error":{"code":100,"error_subcode":2388023}}`
	out, code := c.bridge("templates", "push")
	if code != 1 || posts != 3 || strings.Count(out, "a template of this name was deleted within 30 days") != 2 {
		t.Errorf("got %d after %d posts:\n%s", code, posts, out)
	}
}

func TestTemplatesInTrouble(t *testing.T) {
	cases := []struct {
		name, more, token, want string
		gone                    bool
	}{
		{"no account", "", managingToken, "channels.main.waba_id: required to manage templates", false},
		{"another account", `waba_id: "78", `, managingToken, "there is no such account, or the access token may not see it", false},
		{"a token that has ended", `waba_id: "77", `, "EAAGother", "the access token is wrong or has ended", false},
		{"a token that is not set", `waba_id: "77", `, `"${BRIDGE_TEST_UNSET}"`, "environment variable BRIDGE_TEST_UNSET is not set", false},
		{"nobody there", `waba_id: "77", `, managingToken, "Meta was not reached", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			desk := newCounter(t)
			desk.configure(c.more, c.token)
			if c.gone {
				_ = desk.whatsapp.Close()
			}
			for _, command := range []string{"status", "diff", "push"} {
				out, code := desk.bridge("templates", command)
				if code != 2 || !strings.Contains(out, c.want) || strings.Contains(out, c.token) {
					t.Errorf("%s: got %d: %swant 2: %s", command, code, out, c.want)
				}
			}
		})
	}
}

func TestTemplatesAsJSON(t *testing.T) {
	other := sandbox.Template{Name: "sale", Language: "en", Category: "MARKETING", Components: []sandbox.TemplateComponent{{Type: "BODY", Text: "Sale!"}}}
	c := newCounter(t, other)
	var status struct{ Templates, Others []templateStatus }
	var diff struct {
		Different bool
		Templates []templateDiff
	}
	var pushed struct {
		DryRun    bool `json:"dry_run"`
		Left      bool
		Templates []pushStep
	}
	for _, step := range []struct {
		into any
		code int
		args []string
	}{
		{&pushed, 0, []string{"push", "--dry-run"}}, {&pushed, 0, []string{"push"}}, {&status, 0, []string{"status"}}, {&diff, 0, []string{"diff"}},
	} {
		out, code := c.bridge(append(append([]string{"templates"}, step.args...), "--json")...)
		if err := json.Unmarshal([]byte(out), step.into); err != nil || code != step.code {
			t.Fatalf("%v: got %d, %v:\n%s", step.args, code, err, out)
		}
	}
	if pushed.DryRun || pushed.Left || len(pushed.Templates) != 2 || !pushed.Templates[0].Done || pushed.Templates[0].Status != "PENDING" {
		t.Errorf("push: got %+v", pushed)
	}
	file := filepath.Join(c.dir, "templates", "visit.yaml")
	if len(status.Templates) != 2 || len(status.Others) != 1 || status.Templates[1].Status != "PENDING" || status.Templates[1].File != file {
		t.Errorf("status: got %+v", status)
	}
	if diff.Different || len(diff.Templates) != 2 || diff.Templates[0].State != "same" {
		t.Errorf("diff: got %+v", diff)
	}
	c.edit("The place:", "Where:")
	out, code := c.bridge("templates", "diff", "--json")
	first := out[:strings.LastIndex(out, "}")+1]
	if err := json.Unmarshal([]byte(first), &diff); err != nil || code != 1 || !diff.Different || diff.Templates[0].Differences[0].Path != "body" {
		t.Errorf("diff: got %d, %v, %+v", code, err, diff)
	}
}

// TestCheckApproved compares offline with a snapshot.
func TestCheckApproved(t *testing.T) {
	c := newCounter(t)
	_, code := c.bridge("templates", "push")
	if code != 0 {
		t.Fatal("not pushed")
	}
	file := filepath.Join(c.dir, "templates", "visit.yaml")
	saved := filepath.Join(c.dir, "approved.json")
	refuses := func(wants ...string) {
		t.Helper()
		out, code := c.bridge("check", "--approved", saved)
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("got:\n%swant %s", out, want)
			}
		}
		if code != 2 {
			t.Errorf("got exit code %d, want 2:\n%s", code, out)
		}
	}
	save := func() {
		t.Helper()
		if out, code := c.bridge("templates", "status", "--save", saved); code != 0 {
			t.Fatalf("status --save: %d %s", code, out)
		}
		raw, err := os.ReadFile(saved)
		must(t, err)
		if strings.Contains(string(raw), managingToken) {
			t.Error("the snapshot holds the token")
		}
	}
	refuses(saved + ": cannot be read: no such file or directory")
	save()
	refuses(file+": visit in en: not approved, but PENDING", file+": visit in de: not approved, but PENDING", saved+": is of ")
	c.set("en", "APPROVED", "")
	c.set("de", "PAUSED", "FIRST_PAUSE")
	save()
	refuses(file + ": visit in de: not approved, but PAUSED")
	c.set("de", "APPROVED", "")
	save()
	_ = c.whatsapp.Close() // from here on nobody is asked
	if out, code := c.bridge("check", "--approved", saved); code != 0 || !strings.Contains(out, "fine") || strings.Contains(out, "note:") {
		t.Errorf("got %d: %s", code, out)
	}
	c.configure(`approved: "`+saved+`", `, managingToken)
	if out, code := c.bridge("check"); code != 0 {
		t.Errorf("by the channel's key: got %d: %s", code, out)
	}
	c.edit("The place:", "Where:", "43200", "600")
	if out, code := c.bridge("check"); code != 0 || !strings.Contains(out, "note: "+file+": visit in en: other than approved: message_send_ttl_seconds, body") {
		t.Errorf("other words: got %d: %s", code, out)
	}
	c.edit("buttons: []", "buttons: []", "{{place}}", "the house", "parameters: {place: {field: place.name, example: House 2}}", "parameters: {}")
	refuses(file + ": visit in en: of another shape than approved: body")
	c.edit("  de:", `  es: {body: "Venga a vernos.\nEl lugar: {{place}}.\n¡Gracias!"}`+"\n  de:")
	refuses(file + ": visit in es: Meta has the template, but not in this language")
	c.edit("template: visit", "template: other")
	c.write("journeys/visit.yaml", strings.Replace(visitJourney, "send: visit", "send: other", 1))
	refuses(file + ": other in en: Meta has no such template")
	c.write("approved.json", `{"templates":[]}`)
	refuses(saved + ": is not what bridge templates status --save writes")
}

func TestChangedLines(t *testing.T) {
	for _, c := range []struct{ name, a, b, want string }{
		{"the middle", "a\nb\nc", "a\nx\nc", "-b +x"},
		{"a line more", "a\nc", "a\nb\nc", "+b"},
		{"the end", "a\nb", "a", "-b"},
		{"all", "a", "b", "-a +b"},
		{"one side", "", "b", "+b"},
		{"twice the same line", "a\na", "a", "-a"},
	} {
		from, to := changedLines(c.a, c.b)
		var got []string
		for _, line := range from {
			got = append(got, "-"+line)
		}
		for _, line := range to {
			got = append(got, "+"+line)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %q, want %s", c.name, got, c.want)
		}
	}
	if got := printable("a\x1b[31mb\nc\u009b"); got != "a\ufffd[31mb\nc\ufffd" {
		t.Errorf("got %q", got)
	}
}

// TestAPausedTemplateIsSaid is the way of Meta's word through the webhook and Kafka to whoever is on call.
func TestAPausedTemplateIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{partitions: 1})
	b := w.run()
	const stopped = `bridge_template_stopped{language="en",template="appointment_booked"} 1`
	must(t, w.whatsapp.SetTemplate(t.Context(), "appointment_booked", "en", "PAUSED", "FIRST_PAUSE"))
	w.await("the metric", func() bool { return strings.Contains(w.metrics(), stopped) })
	if line := `"template":"appointment_booked","language":"en","status":"paused","reason":"first_pause"`; !strings.Contains(b.log.String(), line) {
		t.Errorf("no log line has %s", line)
	}
	must(t, w.whatsapp.SetTemplate(t.Context(), "appointment_booked", "en", "APPROVED", ""))
	w.await("its end", func() bool { return !strings.Contains(w.metrics(), stopped) })
}
