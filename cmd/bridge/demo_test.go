package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func demoOutput(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	cmd := root()
	cmd.SetOut(&out)
	cmd.SetArgs(append([]string{"demo", "--no-browser"}, args...))
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return out.String()
}

// TestDemo plays the morning as a newcomer sees it.
func TestDemo(t *testing.T) {
	out := demoOutput(t)
	for _, want := range []string{
		"Hello Amara, we have booked an appointment for you", "taps [Confirm]", "Patient/amara accepted",
		"Termin geändert", "Patient/jonas accepted", "Cita cancelada", "نتائجكم جاهزة",
		"in response to Communication/", "1 repeated", "1 dead", "2 confirm, 1 text", "12 in the chart",
		"9 accepted by WhatsApp, 0 of them twice", "1 app-3", "Next:",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the demo does not show %q", want)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

// TestDemoWithOwnEvents feeds files as an engineer would: a Bundle, NDJSON, and what is no FHIR.
func TestDemoWithOwnEvents(t *testing.T) {
	dir := t.TempDir()
	start := time.Now().Add(10 * 24 * time.Hour)
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	bundle := file("bundle.json", `{"resourceType":"Bundle","type":"collection","entry":[
	  {"resource":`+appointment("a1", "p1", "booked", start)+`},
	  {"resource":`+patient("p1", "Amara", "+15550100101", "es")+`}]}`)
	lines := file("feed.ndjson", patient("p2", "Ben", "+15550100102", "en")+"\n"+appointment("a2", "p2", "booked", start)+"\n")
	empty := file("empty.json", `{"resourceType":"Bundle","type":"collection"}`)
	bad := file("bad.json", `{"resourceType":"Appointment","id":"x","status":"booked"}`)
	keep := filepath.Join(dir, "keep")
	out := demoOutput(t, "--events", bundle, "--events", lines, "--events", empty, "--events", bad, "--keep", keep)
	for _, want := range []string{
		"Hola, Amara", "Hello Ben", "Patient/p1 accepted", "Patient/p2 accepted", "4 accepted by WhatsApp", "2 confirm", "1 app-3",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the demo does not show %q", want)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
	for _, name := range []string{"bridge.yaml", "bridge.db", "ledger.key"} {
		if _, err := os.Stat(filepath.Join(keep, name)); err != nil {
			t.Errorf("--keep lacks %s", name)
		}
	}
}
