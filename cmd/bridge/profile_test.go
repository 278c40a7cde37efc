package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
)

// TestShippedProfiles: each profile is sound, and is what its file is named after.
func TestShippedProfiles(t *testing.T) {
	for _, name := range profileNames() {
		p := ProfileConfig{Profile: name}
		if err := p.load(); err != nil {
			t.Error(err)
		}
		if p.loaded.Name != name {
			t.Errorf("the profile of %s.yaml is named %q", name, p.loaded.Name)
		}
	}
	if got := strings.Join(profileNames(), " "); got != "final-only generic oracle-health topic-only" {
		t.Errorf("got %s", got)
	}
	if _, err := parseProfile([]byte("profile: x\ncomunication: {record: final}\n")); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("a key that nobody knows: %v", err)
	}
}

func TestProfileConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "own.yaml")
	must(t, os.WriteFile(file, []byte("profile: own\ncommunication: {record: final}\n"), 0o600))
	for _, c := range []struct{ name, fhir, want string }{
		{"nothing said", "", ""},
		{"of the house", "profile: final-only, ", ""},
		{"unknown", "profile: epic, ", "fhir.profile: must be one of final-only, generic, oracle-health, topic-only, or a file"},
		{"a file that is not sound", "profile: " + file + ", ", "communication.wait: belongs to record: final"},
		{"nothing goes to the server", "profile: topic-only, write_to: [server, topic], ", "fhir.write_to: must be [topic] with the profile topic-only"},
		{"nobody to send it", "profile: oracle-health, recipients: [Group/1], ", "fhir.sender: the profile oracle-health needs one of Practitioner"},
		{"sent by a patient", "profile: oracle-health, sender: Patient/1, recipients: [Group/1], ", "fhir.sender: the profile oracle-health needs one of Practitioner"},
		{"nobody to read it", "profile: oracle-health, sender: Practitioner/1, ", "fhir.recipients: the profile oracle-health needs one at least"},
		{"an organization to read it", "profile: oracle-health, sender: Practitioner/1, recipients: [Organization/1], ", "fhir.recipients[0]: must be one of Practitioner, Group"},
		{"a sender for nobody", "sender: Practitioner/1, ", "fhir.sender: fhir.profile generic has no use for it"},
	} {
		text := strings.Replace(soundConfig, "fhir: {", "fhir: {"+c.fhir, 1)
		_, err := (&loader{file: "test.yaml", env: os.LookupEnv}).parse([]byte(text))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if c.want == "" != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// writesOf counts the changes of a type over HTTP, by method.
type writesOf struct {
	kind                string
	creates, amendments atomic.Int64
}

func (n *writesOf) seen(method, ref string, _ []byte) {
	switch {
	case !strings.HasPrefix(ref, n.kind+"/"):
	case method == http.MethodPost:
		n.creates.Add(1)
	default:
		n.amendments.Add(1)
	}
}

// noDuplicates looks at everything that was said and written.
func (w *world) noDuplicates(b *bridge) {
	w.t.Helper()
	w.await("everything to be said and written", func() bool { return w.settled(b) })
	for _, kind := range []string{"Communication", "Task", "AppointmentResponse"} {
		if again := w.ehr.Duplicates(kind); len(again) > 0 {
			w.t.Errorf("%d %ss were written twice", len(again), kind)
		}
	}
	if again := w.whatsapp.Duplicates(); len(again) > 0 {
		w.t.Errorf("%d messages were sent twice", len(again))
	}
}

// TestProfileWithoutPatch: what is changed is written back as it was read, changed in the one place.
func TestProfileWithoutPatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{fhir: func(c *sandbox.FHIRConfig) { c.NoPatch = true }})
	b := w.run()
	v := w.attendee(t, "p1", "Amara", "+15550100151", "en")
	v.books(ahead(20), `"extension":[{"url":"urn:of-the-ehr","valueDecimal":1.50}],`, "")
	v.taps(v.reads("appointment_booked"), "Confirm")
	v.awaitEHR("participant.0.status", "accepted")
	if raw, _ := w.ehr.Resource("Appointment/of-p1"); !strings.Contains(string(raw), `"valueDecimal":1.50`) {
		t.Error("what the bridge does not know of the visit is gone")
	}
	w.await("the outcome of what was sent", func() bool {
		for _, c := range w.said() {
			if c.Get("status").String() != "completed" {
				return false
			}
		}
		return len(w.said()) == 3
	})
	w.noDuplicates(b)
}

func TestProfileFinalOnly(t *testing.T) {
	t.Parallel()
	n := &writesOf{kind: "Communication"}
	w := newWorld(t, worldOptions{
		fhir:    func(c *sandbox.FHIRConfig) { c.NoUpdate, c.Patches, c.OnWrite = true, []string{"Appointment"}, n.seen },
		writeTo: "[server, topic], profile: final-only",
	})
	b := w.run()
	v := w.attendee(t, "p1", "Amara", "+15550100152", "en")
	v.books(ahead(20), "", "")
	v.taps(v.reads("appointment_booked"), "Confirm")
	v.reads("confirmed")
	v.awaitEHR("participant.0.status", "accepted")
	w.await("three messages in the record", func() bool { return len(w.said()) == 3 })
	for _, c := range w.said() {
		if c.Get("status").String() != "completed" || c.Get("meta.versionId").String() != "1" || c.Get("sent").String() == "" {
			t.Errorf("a message is %s, in version %s", c.Get("status"), c.Get("meta.versionId"))
		}
		if c.Get("partOf.0.reference").String() == "" {
			t.Error("a message does not refer to the header of its conversation")
		}
	}
	w.noDuplicates(b)
	if n.amendments.Load() > 0 || n.creates.Load() != int64(w.ehr.Count("Communication")) {
		t.Errorf("%d were created and %d amended, want each created once", n.creates.Load(), n.amendments.Load())
	}
}

// TestProfileFinalOnlyWaits: without a word of the provider's it is recorded as it stands, and what comes later changes nothing.
func TestProfileFinalOnlyWaits(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "own.yaml")
	must(t, os.WriteFile(file, []byte("profile: own\ncommunication: {record: final, wait: 10m}\n"), 0o600))
	w := newWorld(t, worldOptions{
		fhir: func(c *sandbox.FHIRConfig) { c.NoUpdate, c.NoPatch = true, true }, whatsapp: func(c *sandbox.WhatsAppConfig) { c.NoStatuses = true },
		writeTo: "[server], profile: " + file,
	})
	b := w.run()
	v := w.attendee(t, "p1", "Amara", "+15550100153", "en")
	v.books(ahead(20), "", "")
	booked := v.reads("appointment_booked")
	w.ahead.Add(int64(10 * time.Minute))
	w.await("the message in the record", func() bool { return len(w.said()) == 1 })
	must(t, v.phone.Report(booked.ID, "sent", "delivered"))
	w.await("the status", func() bool { return receipts(w.metrics()) })
	w.noDuplicates(b)
	if c := w.said()[0]; c.Get("status").String() != "in-progress" || c.Get("meta.versionId").String() != "1" {
		t.Errorf("the message is %s, in version %s; want it in-progress, as it was when the wait was over", c.Get("status"), c.Get("meta.versionId"))
	}
}

func receipts(metrics string) bool {
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, "bridge_receipts_total") && strings.Contains(line, `state="delivered"`) {
			return true
		}
	}
	return false
}

const oracleHealth = "[server], profile: oracle-health, sender: Practitioner/bridge, recipients: [Group/front-desk]"

// inboxText is what a clinician reads of a message.
func inboxText(c gjson.Result) string {
	text, _ := base64.StdEncoding.DecodeString(c.Get("payload.0.contentAttachment.data").String())
	return string(text)
}

// inbox counts the messages whose text has all of some words.
func (w *world) inbox(words ...string) (n int) {
	for _, c := range w.said() {
		has := true
		for _, word := range words {
			has = has && strings.Contains(c.Get("topic.text").String()+"\n"+inboxText(c), word)
		}
		if has {
			n++
		}
	}
	return n
}

// subjects are the topics of all messages; each has the key of what it records.
func (w *world) subjects() map[string]int {
	seen := map[string]int{}
	for _, c := range w.said() {
		seen[c.Get("topic.text").String()]++
	}
	return seen
}

func TestProfileOracleHealth(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{fhir: func(c *sandbox.FHIRConfig) { c.Oracle = true }, writeTo: oracleHealth})
	b := w.run()
	asked := w.attendee(t, "p1", "Amara", "+15550100154", "en")
	asked.knows(strings.Replace(appointment("of-p1", "p1", "booked", ahead(20)), "needs-action", "tentative", 1))
	unasked := w.attendee(t, "p2", "Jonas", "+15550100155", "de")
	unasked.books(ahead(20), "", "")
	asked.taps(asked.reads("appointment_booked"), "Confirm")
	unasked.taps(unasked.reads("appointment_booked"), "Bestätigen")
	asked.awaitEHR("participant.0.status", "accepted")
	w.await("what people are asked", func() bool { return w.inbox("WhatsApp: patient answered accepted", "About: Appointment/of-p2") == 1 })
	w.await("both conversations", func() bool {
		return w.inbox("WhatsApp: message to the patient") == 4 && w.inbox("WhatsApp: message from the patient", "Read as: confirm") == 2
	})
	if got := unasked.visit("participant.0.status"); got != "needs-action" {
		t.Errorf("the visit of whom the EHR does not ask is %q", got)
	}
	w.noDuplicates(b)
	for subject, times := range w.subjects() {
		if times > 1 {
			t.Errorf("%s lies there %d times", subject, times)
		}
	}
	if got := len(w.said()); got != 7 {
		t.Errorf("%d messages, want 7", got)
	}
}

// TestProfileOracleHealthInDoubt: what may have been created is not created again; a person is asked to look.
func TestProfileOracleHealthInDoubt(t *testing.T) {
	t.Parallel()
	var cut atomic.Int64
	w := newWorld(t, worldOptions{fhir: func(c *sandbox.FHIRConfig) { c.Oracle = true }, writeTo: oracleHealth})
	w.ehr.Fail(func(r sandbox.FHIRRequest) *sandbox.FHIRFault {
		if r.Method == http.MethodPost && r.Type == "Communication" && cut.Add(1) == 1 {
			return &sandbox.FHIRFault{Fault: sandbox.Fault{Act: true, Cut: true}}
		}
		return nil
	})
	b := w.run()
	v := w.attendee(t, "p1", "Amara", "+15550100156", "en")
	v.books(ahead(20), "", "")
	v.reads("appointment_booked")
	w.await("a person to be asked", func() bool { return w.inbox("see whether a message is in the record") == 1 })
	w.noDuplicates(b)
	if got := w.inbox("WhatsApp: message to the patient"); got != 1 {
		t.Errorf("the message lies there %d times, want once", got)
	}
	if !strings.Contains(w.metrics(), "bridge_ledger_writes_given_up 1") {
		t.Error("nobody sees that a write waits for a person")
	}
}

func TestProfileTopicOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{fhir: func(c *sandbox.FHIRConfig) { c.ReadOnly = true }, writeTo: "[topic], profile: topic-only"})
	b := w.run()
	v := w.attendee(t, "p1", "Amara", "+15550100157", "en")
	v.books(ahead(20), "", "")
	v.taps(v.reads("appointment_booked"), "Confirm")
	v.reads("confirmed")
	w.noDuplicates(b)
	keys, types := map[string]int{}, map[string]int{}
	for _, r := range w.records(w.topics.Communications, 5) {
		h := map[string]string{}
		for _, header := range r.Headers {
			h[header.Key] = string(header.Value)
		}
		keys[h["bridge-write-key"]]++
		types[h["fhir-resource-type"]]++
		if err := validates(r.Value); err != nil || string(r.Key) != "Patient/p1" {
			t.Errorf("a record of %s: %v", r.Key, err)
		}
		var head struct{ ResourceType string }
		must(t, json.Unmarshal(r.Value, &head))
		if head.ResourceType != h["fhir-resource-type"] {
			t.Errorf("a %s goes for a %s", head.ResourceType, h["fhir-resource-type"])
		}
	}
	for key, times := range keys {
		if times > 1 && !strings.HasPrefix(key, "follow:") {
			t.Errorf("%s is there %d times", key, times)
		}
	}
	if types["AppointmentResponse"] != 1 || types["Communication"] < 4 {
		t.Errorf("got %v, want the conversation and one AppointmentResponse", types)
	}
	if got := w.ehr.Count("Communication") + w.ehr.Count("AppointmentResponse"); got > 0 {
		t.Errorf("%d resources are on the server that takes none", got)
	}
}
