package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/kafka"
	"fhirbridge/pipeline"
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

// shows complains of words that the demo does not show.
func shows(t *testing.T, out string, words ...string) {
	t.Helper()
	for _, want := range words {
		if !strings.Contains(out, want) {
			t.Errorf("the demo does not show %q", want)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

// TestDemo plays the morning as a newcomer sees it.
func TestDemo(t *testing.T) {
	out := demoOutput(t)
	shows(t, out,
		"Hello Amara, we have booked an appointment for you", "taps [Confirm]", "Patient/amara accepted",
		"Termin geändert", "Patient/jonas accepted", "Cita cancelada", "نتائجكم جاهزة",
		"in response to Communication/", "1 repeated", "1 dead", "2 confirm, 1 text", "12 in the chart",
		"9 accepted by WhatsApp, 0 of them twice", "1 app-3 at Appointment.start\n", "Next:", "`bridge simulate FILE…`",
	)
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
	shows(t, out,
		"Hola, Amara", "Hello Ben", "Patient/p1 accepted", "Patient/p2 accepted", "4 accepted by WhatsApp", "2 confirm",
		"1 app-3 at Appointment.start\n", "`bridge simulate FILE… --at 20",
	)
	for _, name := range []string{"bridge.yaml", "bridge.db", "ledger.key"} {
		if _, err := os.Stat(filepath.Join(keep, name)); err != nil {
			t.Errorf("--keep lacks %s", name)
		}
	}
}

// TestDemoTakesManyFiles has the names after --events as a shell puts them there for *.json, and flags behind them.
func TestDemoTakesManyFiles(t *testing.T) {
	dir := t.TempDir()
	visit, person := filepath.Join(dir, "visit.json"), filepath.Join(dir, "person.json")
	must(t, os.WriteFile(visit, []byte(appointment("a1", "p1", "booked", time.Now().Add(10*24*time.Hour))), 0o600))
	must(t, os.WriteFile(person, []byte(patient("p1", "Amara", "+15550100101", "en")), 0o600))
	shows(t, demoOutput(t, "--events", visit, person, "--patience", "2m"), "Hello Amara", "Patient/p1 accepted", "records on the feed    2")
}

// TestDemoOfNothing: a record without events is accounted for once it is taken in.
func TestDemoOfNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "empty.json")
	must(t, os.WriteFile(file, []byte(`{"resourceType":"Bundle","type":"collection"}`), 0o600))
	shows(t, demoOutput(t, "--events", file), "records on the feed    1", "events                 none")
}

// TestDemoTakesNamesWithCommas: a file's name is one name, whatever is in it.
func TestDemoTakesNamesWithCommas(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Amara, and her visit.ndjson")
	lines := patient("p1", "Amara", "+15550100101", "en") + "\n" + appointment("a1", "p1", "booked", time.Now().Add(10*24*time.Hour))
	must(t, os.WriteFile(file, []byte(lines), 0o600))
	shows(t, demoOutput(t, "--events", file), "Hello Amara", "records on the feed    2")
}

// TestDemoRefusesFilesWithoutEvents: what stands alone may be a mistyped command as well.
func TestDemoRefusesFilesWithoutEvents(t *testing.T) {
	cmd := root()
	cmd.SetOut(io.Discard)
	cmd.SetArgs([]string{"demo", "visit.json"})
	err := cmd.ExecuteContext(t.Context())
	if err == nil || !strings.Contains(err.Error(), "bridge demo --events visit.json") {
		t.Errorf("demo visit.json: %v", err)
	}
}

// parks puts a visit on the demo's feed and waits until it is parked and its patient has been looked for in vain: then it is
// not tried again for a while.
func parks(ctx context.Context, d *demo, visit string) error {
	ctx, stop := context.WithTimeout(ctx, 2*time.Minute)
	defer stop()
	if err := d.publish(ctx, "Appointment/a1", []byte(visit)); err != nil {
		return err
	}
	for {
		list, err := d.app.ledger.Parked(ctx, time.Now().Add(time.Hour), 1)
		if err != nil || len(list) == 1 && list[0].Tries > 1 {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestDemoWaitsForPatients: a patient who comes after the visit is told of it.
func TestDemoWaitsForPatients(t *testing.T) {
	var out bytes.Buffer
	d := &demo{screen: newScreen(&out), patience: 2 * time.Minute}
	err := d.stage(t.Context(), func(ctx context.Context) error {
		if err := parks(ctx, d, appointment("a1", "p1", "booked", time.Now().Add(10*24*time.Hour))); err != nil {
			return err
		}
		return d.publish(ctx, "Patient/p1", []byte(patient("p1", "Amara", "+15550100101", "en")))
	})
	if err != nil {
		t.Error(err)
	}
	shows(t, out.String(), "Hello Amara", "1 unparked_planned", "1 accepted by WhatsApp")
	if strings.Contains(out.String(), "waiting for a patient") {
		t.Error("an event is said to wait still")
	}
}

// TestDemoCountsWhoeverIsNotKnown: an event that waits for its patient is not accounted for, and the summary says who that is.
func TestDemoCountsWhoeverIsNotKnown(t *testing.T) {
	var out bytes.Buffer
	d := &demo{screen: newScreen(&out), patience: 200 * time.Millisecond}
	err := d.stage(t.Context(), func(ctx context.Context) error {
		return parks(ctx, d, appointment("a1", "nobody", "booked", time.Now().Add(10*24*time.Hour)))
	})
	if !errors.Is(err, errUnaccounted) || !strings.Contains(err.Error(), "events that wait for their patient") {
		t.Errorf("it ends with %v", err)
	}
	shows(t, out.String(), "waiting for a patient  1 for Patient/nobody")
}

// TestDemoAnswersBeforeItWaits: whoever is known answers while another visit waits for its patient, and so does that one in the end.
func TestDemoAnswersBeforeItWaits(t *testing.T) {
	start := time.Now().Add(10 * 24 * time.Hour)
	file := filepath.Join(t.TempDir(), "feed.ndjson")
	must(t, os.WriteFile(file, []byte(patient("p2", "Ben", "+15550100102", "en")+"\n"+appointment("a2", "p2", "booked", start)), 0o600))
	var out bytes.Buffer
	d := &demo{screen: newScreen(&out), patience: 2 * time.Minute, files: []string{file}}
	err := d.stage(t.Context(), func(ctx context.Context) error {
		if err := d.ehr.Seed([]byte(appointment("a1", "p1", "booked", start))); err != nil { // the answer is written into it
			return err
		}
		if err := parks(ctx, d, appointment("a1", "p1", "booked", start)); err != nil {
			return err
		}
		come := make(chan error, 1)
		go func() { // Amara comes once Ben has answered
			for raw := []byte(nil); !bytes.Contains(raw, []byte("accepted")) && ctx.Err() == nil; {
				time.Sleep(5 * time.Millisecond)
				raw, _ = d.ehr.Resource("Appointment/a2")
			}
			feed := pipeline.NewPublisher(d.feed, kafka.MetadataKey)
			come <- feed.Publish(ctx, demoTopic, "Patient/p1", nil, []byte(patient("p1", "Amara", "+15550100101", "en")))
		}()
		return errors.Join(d.playFiles(ctx), <-come)
	})
	if err != nil {
		t.Error(err)
	}
	shows(t, out.String(), "Patient/p1 accepted", "Patient/p2 accepted", "4 accepted by WhatsApp")
}
