package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/adapters/sqlledger"
)

// examined asks the doctor, and looks for what it is to say and for how it ends.
func (w *world) examined(t *testing.T, change func(string) string, want []string, fails bool) string {
	t.Helper()
	out, err := w.ask(change)
	for _, words := range want {
		if !strings.Contains(out, words) {
			t.Errorf("the doctor does not say %q:\n%s", words, out)
		}
	}
	if failed := errors.Is(err, errUnwell); failed != fails || err != nil && !failed {
		t.Errorf("ended with %v, want a failure: %v", err, fails)
	}
	return out
}

// ask runs the doctor in a world, with the configuration changed.
func (w *world) ask(change func(string) string, flags ...string) (string, error) {
	w.t.Helper()
	text := w.config(w.whatsapp.URL())
	if change != nil {
		text = change(text)
	}
	file := filepath.Join(w.dir, "doctor.yaml")
	must(w.t, os.WriteFile(file, []byte(text), 0o600))
	cmd, out := root(), &bytes.Buffer{}
	cmd.SetOut(out)
	cmd.SetArgs(append([]string{"doctor", "--config", file}, flags...))
	err := cmd.ExecuteContext(w.t.Context())
	for _, secret := range []string{demoToken, demoSecret, "127.0.0.1:", w.dir} {
		if strings.Contains(out.String(), secret) {
			w.t.Errorf("the doctor says %q:\n%s", secret, out)
		}
	}
	return out.String(), err
}

// TestDoctor: each fault is named, with what to do; everything else is looked at all the same.
func TestDoctor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	replaced := func(old, new string) func(string) string {
		return func(text string) string {
			if !strings.Contains(text, old) {
				t.Fatalf("the configuration has no %q", old)
			}
			return strings.Replace(text, old, new, 1)
		}
	}
	page := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("<html>login</html>")) }))
	t.Cleanup(page.Close)
	old := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = rw.Write([]byte(`{"resourceType":"CapabilityStatement","fhirVersion":"3.0.2"}`))
	}))
	t.Cleanup(old.Close)
	plain := filepath.Join(w.dir, "plain.db")
	l, err := sqlledger.New(sqlledger.Config{URL: "sqlite:" + plain, Plaintext: true})
	must(t, err)
	must(t, l.Close())
	must(t, os.WriteFile(filepath.Join(w.dir, "junk.db"), []byte(strings.Repeat("this is no database ", 300)), 0o600))
	for _, c := range []struct {
		name   string
		change func(string) string
		want   []string
		fails  bool
	}{
		{"all is well", nil, []string{
			"ok    kafka: 1 brokers", "kafka topic ehr.fhir: ", "ok    fhir server: answers, and is of R4", "ok    fhir clock: ", "warn  fhir auth: the server lets in whoever asks",
			"ok    fhir profile: generic", "ok    fhir Patient: read", "ok    fhir Communication: create", "ok    fhir decisions: PATCH of the participant status, with If-Match",
			"ok    fhir exactly once: conditional create, and search by identifier", "ok    channel main: the token is valid, and the number can send",
			"warn  templates: not compared", "ok    ledger: there is none yet",
		}, false},
		{"a topic that is not there", replaced("inbound: bridge.inbound", "inbound: bridge.elsewhere"),
			[]string{"fail  kafka topic bridge.elsewhere: there is none; kafka-topics.sh --create --topic bridge.elsewhere"}, true},
		{"no broker", replaced(`brokers: ["`, `brokers: ["127.0.0.1:1", "`), []string{"kafka"}, false},
		{"no FHIR server", replaced(w.ehr.URL(), "http://127.0.0.1:1/fhir"), []string{"fail  fhir server: unreachable; see fhir.base_url", "ok    channel main"}, true},
		{"a login page", replaced(w.ehr.URL(), page.URL), []string{"fail  fhir server: not fhir (200); fhir.base_url is not the base of a FHIR server"}, true},
		{"STU3", replaced(w.ehr.URL(), old.URL), []string{"fail  fhir server: wrong fhir version; the bridge speaks R4"}, true},
		{"a wrong token", replaced("access_token: "+demoToken, "access_token: x"), []string{"fail  channel main: credentials (190)", "; the access token is wrong or has ended"}, true},
		{"a wrong number", replaced(demoNumber, "1"), []string{"fail  channel main: "}, true},
		{"the key of another ledger", replaced(filepath.Join(w.dir, "bridge.db"), plain), []string{"fail  ledger: key_file: the database is not encrypted"}, true},
		{"no ledger", replaced(filepath.Join(w.dir, "bridge.db"), filepath.Join(w.dir, "junk.db")), []string{"fail  ledger: store"}, true},
		{"no folder for the ledger", replaced(filepath.Join(w.dir, "bridge.db"), filepath.Join(w.dir, "none", "bridge.db")), []string{"fail  ledger: url: its folder is not there"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.examined(t, c.change, c.want, c.fails)
		})
	}
	if _, err := w.ask(replaced("facility:", "facilty:")); exitCode(err) != 2 {
		t.Errorf("a faulty configuration: %v", err)
	}
}

// TestDoctorOfServers says how each server will be written to.
func TestDoctorOfServers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, writeTo string
		fhir          sandbox.FHIRConfig
		want          []string
		fails         bool
	}{
		{"no PATCH", "", sandbox.FHIRConfig{NoPatch: true}, []string{"ok    fhir decisions: PUT of the whole Appointment as it was read, with If-Match"}, false},
		{"neither", "", sandbox.FHIRConfig{NoPatch: true, NoUpdate: true}, []string{"warn  fhir decisions: AppointmentResponse"}, false},
		{"no versions", "", sandbox.FHIRConfig{NoVersions: true}, []string{"warn  fhir decisions: AppointmentResponse"}, false},
		{"nothing but Communications", "[server], profile: final-only", sandbox.FHIRConfig{NoPatch: true, NoUpdate: true, Creates: []string{"Communication"}}, []string{
			"ok    fhir profile: final-only: a message is written once", "warn  fhir decisions: Task", "warn  fhir Task: the server does not declare create"}, false},
		{"read-only", "", sandbox.FHIRConfig{ReadOnly: true}, []string{"fail  fhir Communication: the server does not declare create; no message is in the record: use the profile topic-only"}, true},
		{"read-only, as it should be", "[topic], profile: topic-only", sandbox.FHIRConfig{ReadOnly: true}, []string{"ok    fhir profile: topic-only: nothing is written to it"}, false},
		{"no conditional create", "", sandbox.FHIRConfig{NoConditionalCreate: true}, []string{"ok    fhir exactly once: search by identifier before each creation"}, false},
		{"no search by identifier", "", sandbox.FHIRConfig{NoIdentifierSearch: true}, []string{"warn  fhir exactly once: conditional create, but no search by identifier"}, false},
		{"neither of both", "", sandbox.FHIRConfig{NoIdentifierSearch: true, NoConditionalCreate: true}, []string{"warn  fhir exactly once: neither conditional create nor search by identifier"}, false},
		{"Oracle Health", oracleHealth, sandbox.FHIRConfig{Oracle: true}, []string{
			"ok    fhir profile: oracle-health: a message is written once", "ok    fhir decisions: PATCH of /patient-status, for accepted; else a Task, with If-Match",
			"warn  fhir exactly once: no identifier: after a creation without an answer a person is asked"}, false},
		{"a token that it wants", "", sandbox.FHIRConfig{Token: "secret"}, []string{"fail  fhir auth: login (401); we are not let in"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, worldOptions{writeTo: c.writeTo, fhir: func(f *sandbox.FHIRConfig) { *f = c.fhir }})
			out, err := w.ask(nil)
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("the doctor does not say %q:\n%s", want, out)
				}
			}
			if errors.Is(err, errUnwell) != c.fails {
				t.Errorf("ended with %v, want a failure: %v", err, c.fails)
			}
		})
	}
}

// TestDoctorBesideABridge: what it looks at is not disturbed, and it writes and sends nothing.
func TestDoctorBesideABridge(t *testing.T) {
	t.Parallel()
	writes := 0
	w := newWorld(t, worldOptions{fhir: func(c *sandbox.FHIRConfig) { c.OnWrite = func(string, string, []byte) { writes++ } }})
	w.run()
	out, err := w.ask(nil, "--json")
	must(t, err)
	var report struct {
		OK       bool
		Findings []diagnosis
	}
	must(t, json.Unmarshal([]byte(out), &report))
	found := map[string]diagnosis{}
	for _, f := range report.Findings {
		found[f.Check] = f
	}
	if f := found["ledger"]; f.Grade != gradeOK || !strings.Contains(f.Found, "a bridge works with it") || !report.OK {
		t.Errorf("got %+v", f)
	}
	if writes > 0 {
		t.Errorf("it has written %d resources", writes)
	}
}

func TestDoctorOfMeta(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]string{"LIMITED": "warn  channel main: sends less than it could: phone number limited (141006)", "BLOCKED": "fail  channel main: cannot send: phone number blocked (141006)"} {
		w := newWorld(t, worldOptions{whatsapp: func(c *sandbox.WhatsAppConfig) { c.CanSend = state }})
		if out, _ := w.ask(nil); !strings.Contains(out, want) {
			t.Errorf("the doctor does not say %q:\n%s", want, out)
		}
	}
	var missing []sandbox.Template
	w := newWorld(t, worldOptions{whatsapp: func(c *sandbox.WhatsAppConfig) { missing, c.WABAID = c.Templates[1:], "77" }})
	with := func(text string) string {
		return strings.Replace(text, "provider: cloudapi, ", `provider: cloudapi, waba_id: "77", `, 1)
	}
	if out, err := w.ask(with); err != nil || !strings.Contains(out, "templates: ") || strings.Contains(out, "fail  templates") {
		t.Errorf("all are there: %v\n%s", err, out)
	}
	less := newWorld(t, worldOptions{templates: missing, whatsapp: func(c *sandbox.WhatsAppConfig) { c.WABAID = "77" }})
	if out, err := less.ask(with); !errors.Is(err, errUnwell) || !strings.Contains(out, "1 cannot be sent") {
		t.Errorf("one is not there: %v\n%s", err, out)
	}
}

func TestDoctorOfClocks(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for off, want := range map[time.Duration]grade{0: gradeOK, 20 * time.Second: gradeOK, -20 * time.Second: gradeOK, time.Minute: gradeWarn, -time.Minute: gradeWarn} {
		x := &examination{now: func() time.Time { return now }}
		x.skew("clock", now.Add(off))
		if got := x.list[0].Grade; got != want {
			t.Errorf("%s: got %s, want %s", off, got, want)
		}
	}
	x := &examination{now: time.Now}
	if x.skew("clock", time.Time{}); len(x.list) > 0 {
		t.Errorf("a server without a clock: %v", x.list)
	}
	if got := fmt.Sprint(x.print(&bytes.Buffer{}, false)); got != "<nil>" {
		t.Error(got)
	}
}
