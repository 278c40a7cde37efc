package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fhirbridge/pipeline/porttest"
)

// TestBadInput feeds what must not be, and then what must still come through on
// the same partition.
func TestBadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{partitions: 1, session: "45s", grace: "45s"}) // 20 MB take long where much else is done: nothing is to come twice
	b := w.run()
	start := time.Now().Add(10 * 24 * time.Hour)
	dead, good := badRecords(start), goodRecords(start)
	w.knows(patient("p1", "Amara", "+15550100101", "en"))
	for i, c := range dead {
		var headers map[string]string
		if c.contentType != "" {
			headers = map[string]string{"content-type": c.contentType}
		}
		must(t, w.feed.Publish(t.Context(), w.topics.Events[0], fmt.Sprintf("bad-%d", i), headers, []byte(c.record)))
	}
	w.publish("Observation/o1", []byte(`{"resourceType":"Observation","id":"o1","status":"final"}`))
	w.publish("Appointment/lost", []byte(appointment("lost", "nobody", "booked", start)))
	w.knows(patient("p2", "Ben", "call me maybe", "en"))
	w.knows(appointment("unreachable", "p2", "booked", start))
	for _, c := range good {
		w.knows(patient(c.patient, "Cara", c.number, "en"))
		w.publish("good/"+c.patient, []byte(c.record))
	}
	for _, c := range good {
		w.await("the message of: "+c.name, func() bool { return len(w.whatsapp.Phone(c.number).Messages()) == 1 })
	}

	letters := map[string]map[string]string{}
	for _, r := range w.records(w.topics.DeadLetters, len(dead)) {
		headers := map[string]string{}
		for _, h := range r.Headers {
			headers[h.Key] = string(h.Value)
		}
		letters[string(r.Key)] = headers
	}
	for i, c := range dead {
		t.Run(c.name, func(t *testing.T) {
			got := letters[fmt.Sprintf("bad-%d", i)]
			if got["bridge-reason"] != c.reason {
				t.Errorf("reason %q, want %q", got["bridge-reason"], c.reason)
			}
			if got["bridge-path"] != c.path {
				t.Errorf("path %q, want %q", got["bridge-path"], c.path)
			}
			if got["bridge-source-topic"] != w.topics.Events[0] || got["bridge-source-offset"] == "" || got["bridge-source-partition"] == "" {
				t.Error("the dead letter does not say where it comes from")
			}
		})
	}
	w.await("every record to be accounted for", func() bool { return w.lag(b) == 0 })
	if got := w.whatsapp.Count(); got != len(good) {
		t.Errorf("%d messages, want %d", got, len(good))
	}
	for _, want := range []string{
		`bridge_events_total{outcome="ignored",type="other"} 1`,
		`bridge_ledger_events_parked 1`,
		`reason="invalid_number",state="skipped"`,
	} {
		w.await("the metric "+want, func() bool { return strings.Contains(w.metrics(), want) })
	}
}

// TestLatePatient is an appointment whose patient comes after it, once on the topic and once on the server.
func TestLatePatient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.run()
	start := time.Now().Add(10 * 24 * time.Hour)
	w.publish("Appointment/a1", []byte(appointment("a1", "p1", "booked", start)))
	must(t, w.ehr.Seed([]byte(patient("p2", "Ben", "+15550100102", "en"))))
	w.publish("Appointment/a2", []byte(appointment("a2", "p2", "booked", start)))
	w.await("the message to the patient whom the server knows", func() bool { return w.whatsapp.Count() == 1 })
	w.publish("Patient/p1", []byte(patient("p1", "Amara", "+15550100101", "en")))
	w.await("the message to the late patient", func() bool { return w.whatsapp.Count() == 2 })
}

// TestWebhookRefusals is what anybody can post.
func TestWebhookRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{provider: "cloudapi"})
	w.run()
	body := []byte(`{"object":"whatsapp_business_account","entry":[]}`)
	sign := func(key string, b []byte) string {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write(b)
		return "sha256=" + hex.EncodeToString(mac.Sum(nil))
	}
	for _, c := range []struct {
		name, path, signature string
		body                  []byte
		want                  int
	}{
		{"no signature", "main", "", body, 401},
		{"not a signature", "main", "sha256=zz", body, 401},
		{"signed with another secret", "main", sign("other", body), body, 401},
		{"signature of another body", "main", sign(demoSecret, []byte("x")), body, 401},
		{"unknown channel", "other", sign(demoSecret, body), body, 404},
		{"too large", "main", sign(demoSecret, bytes.Repeat([]byte("a"), 4<<20)), bytes.Repeat([]byte("a"), 4<<20), 413},
		{"right", "main", sign(demoSecret, body), body, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+w.webhooks+"/webhooks/"+c.path, bytes.NewReader(c.body))
			must(t, err)
			if c.signature != "" {
				req.Header.Set("X-Hub-Signature-256", c.signature)
			}
			answer, err := http.DefaultClient.Do(req)
			must(t, err)
			defer answer.Body.Close()
			if answer.StatusCode != c.want {
				t.Errorf("answered %d, want %d", answer.StatusCode, c.want)
			}
		})
	}
	if got := w.records(w.topics.Inbound, 1); len(got) != 1 {
		t.Errorf("%d bodies on Kafka, want the right one only", len(got))
	}
}

// TestNothingLeaks sends people with marked names, numbers and words through everything
// and looks at what may be seen by others.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{provider: "cloudapi", partitions: 1})
	b := w.run()
	start := time.Now().Add(10 * 24 * time.Hour)
	markers := []string{"Zebracanary", "5550177", "Pumpkinword", "1999-12-31", "Xylophonefamily", "Quokkaresult"}
	p := strings.Replace(patient("p1", markers[0], "+1555"+"0177101", "en"), `"family":"Example"`, `"family":"`+markers[4]+`"`, 1)
	w.knows(strings.Replace(p, `"id"`, `"birthDate":"1999-12-31","id"`, 1))
	w.knows(appointment("a1", "p1", "booked", start))
	phone := w.whatsapp.Phone("+15550177101")
	w.await("the booking", func() bool { return len(phone.Messages()) == 1 })
	booked, _ := phone.Last()
	_, err := phone.Tap(booked.ID, 1)
	must(t, err)
	phone.Write("Can I bring my " + markers[2] + "?")
	w.knows(`{"resourceType":"DiagnosticReport","id":"r1","status":"final","code":{"text":"` + markers[5] + `"},"conclusion":"` + markers[5] + `","performer":[{"reference":"Practitioner/1"}],"subject":{"reference":"Patient/p1"}}`)
	w.publish("bad", []byte(`{"resourceType":"Appointment","id":"x","status":"`+markers[2]+`","description":"`+markers[5]+`"}`))
	w.publish("worse", []byte(`{"name":"`+markers[0]+`",`))
	w.await("all messages", func() bool { return len(phone.Messages()) >= 4 && w.settled(b) })
	visible := map[string]string{"logs": b.log.String(), "metrics": w.metrics()}
	for _, r := range w.records(w.topics.DeadLetters, 2) {
		for _, h := range r.Headers {
			visible["dead-letter headers"] += h.Key + "=" + string(h.Value) + "\n"
		}
	}
	for _, m := range phone.Messages() {
		visible["template names"] += m.Template + "\n"
		visible["callback data"] += m.CallbackData + "\n"
		for _, button := range m.Buttons {
			visible["button payloads"] += button.Payload + "\n"
			if len(button.Payload) != 16 {
				t.Errorf("a payload of %d characters", len(button.Payload))
			}
		}
		if strings.Contains(m.Screen(), markers[5]) {
			t.Error("a result was sent")
		}
	}
	files, err := filepath.Glob(filepath.Join(w.dir, "bridge.db*"))
	must(t, err)
	for _, name := range files {
		content, err := os.ReadFile(name)
		must(t, err)
		visible["ledger files"] += string(content)
	}
	if !strings.Contains(visible["ledger files"], "Appointment/a1") || len(porttest.Found(booked.ID, markers[1])) == 0 {
		t.Error("what is there is not found: the search finds nothing")
	}
	for where, text := range visible {
		if text == "" {
			t.Errorf("nothing to look at in %s", where)
		}
		for _, marker := range porttest.Found(text, markers...) {
			t.Errorf("%s hold the marker %s in some form", where, marker)
		}
	}
}
