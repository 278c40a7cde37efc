package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// underage is a patient of six with a phone of her own, which gets nothing.
func (w *world) underage(t *testing.T, id, given, number string) *attendee {
	t.Helper()
	own := *w
	own.t = t
	raw := strings.Replace(patient(id, given, number, "de"), `"name"`, fmt.Sprintf(`"birthDate":"%d-01-01","name"`, time.Now().Year()-6), 1)
	own.knows(raw)
	return &attendee{world: &own, id: id, phone: w.whatsapp.Phone(number)}
}

// guardian is who acts for a patient.
func guardian(id, patient, given, number, language string) string {
	return fmt.Sprintf(`{"resourceType":"RelatedPerson","id":%q,"patient":{"reference":"Patient/%s"},`+
		`"relationship":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-RoleCode","code":"MTH"}]}],"name":[{"given":[%q]}],`+
		`"telecom":[{"system":"phone","use":"mobile","value":%q}],`+
		`"communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":%q}]}}]}`, id, patient, given, number, language)
}

// TestProxies: of children the guardian is told, who comes on a topic or is asked for at the FHIR server, in the
// guardian's language; what the guardian answers is about the right child.
func TestProxies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{more: "minors: {age: 16}\nproxies: {minors: [GUARD, MTH], adults: [HPOWATT]}\n", writeTo: "[server, topic], appointment_writeback: [status, patch, response, task]"})
	b := w.run()
	const mother = "+15550100161"
	amara, ben, alone := w.underage(t, "c1", "Amara", "+15550100162"), w.underage(t, "c2", "Ben", "+15550100163"), w.underage(t, "c3", "Cem", "+15550100164")
	w.knows(guardian("g1", "c1", "Işıl", mother, "en"))
	must(t, w.ehr.Seed([]byte(guardian("g2", "c2", "Işıl", mother, "en")))) // only the server knows
	w.await("the guardian to be known", func() bool {
		return strings.Contains(w.metrics(), `bridge_events_total{outcome="kept",type="RelatedPerson"} 1`)
	})
	start := time.Now().Add(20 * 24 * time.Hour).Truncate(time.Hour)
	phone := w.whatsapp.Phone(mother)
	var asked [2]string
	for i, v := range []*attendee{amara, ben} {
		own := v.phone
		v.phone = phone
		v.books(start, "", "")
		name := []string{"Amara", "Ben"}[i]
		v.await("the message about "+name, func() bool {
			for _, m := range phone.Messages() {
				if m.Template == "appointment_booked" && strings.Contains(m.Screen(), "Hello "+name) {
					asked[i] = m.ID
				}
			}
			return asked[i] != ""
		})
		if got := len(own.Messages()); got != 0 {
			t.Errorf("%s got %d messages", name, got)
		}
	}
	alone.books(start, "", "")
	w.await("what nobody may be told", func() bool { return strings.Contains(w.metrics(), `reason="minor",state="skipped"`) })

	phone.Write("yes") // to which of them?
	amara.await("people to be asked", func() bool { return strings.Contains(amara.metrics(), `reading="unclear"`) })
	_, err := phone.Tap(asked[1], 0)
	must(t, err)
	ben.awaitEHR("participant.0.status", "accepted")
	if got := amara.visit("participant.0.status"); got != "needs-action" {
		t.Errorf("the other child's participation is %q", got)
	}
	_, err = phone.Reply(asked[0], "no")
	must(t, err)
	amara.reads("Do you really want to cancel this appointment?")
	w.await("everything to be said and written", func() bool { return w.settled(b) })
	to, from := 0, 0
	for _, c := range w.said() {
		if c.Get("subject.reference").String() != "Patient/c2" {
			continue
		}
		if c.Get("recipient.0.reference").String() == "RelatedPerson/g2" {
			to++
		}
		if c.Get("sender.reference").String() == "RelatedPerson/g2" {
			from++
		}
	}
	if to != 2 || from != 1 {
		t.Errorf("the chart of the child has %d messages to the mother and %d from her, want 2 and 1", to, from)
	}
	if again := w.whatsapp.Duplicates(); len(again) > 0 {
		t.Errorf("%d messages were sent twice", len(again))
	}
}
