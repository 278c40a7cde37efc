package porttest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"fhirbridge/pipeline"
)

// What patients have consented to, as the hospital has it.
var consentTests = map[string]func(*ledgerTest){
	"of the patient, by reference, and of nobody else": consentOfPatient,
	"told with what is due":                            consentDue,
	"one that permits lifts no STOP after it":          consentLifts,
	"one that permits lifts a STOP before it":          consentLiftsSince,
}

// consents is the nth version of a Consent about messages, given that many seconds after t.now.
func (t *ledgerTest) consents(id, patient, rule string, n, after int) pipeline.Event {
	body, _ := json.Marshal(map[string]any{
		"resourceType": "Consent", "id": id, "meta": map[string]string{"versionId": strconv.Itoa(n)}, "status": "active",
		"scope":    map[string]string{"text": "privacy"},
		"category": []any{map[string]any{"coding": []any{map[string]string{"system": "https://fhirbridge.dev/consent", "code": "messaging"}}}},
		"patient":  map[string]string{"reference": patient}, "dateTime": t.now.Add(time.Duration(after) * time.Second).Format(time.RFC3339),
		"policyRule": map[string]any{"coding": []any{map[string]string{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": rule}}},
	})
	return pipeline.Event{Type: "Consent", ID: id, Version: strconv.Itoa(n), Operation: pipeline.Update, Resource: body}
}

func (t *ledgerTest) wantConsents(patient string, want ...string) {
	t.Helper()
	list, err := t.l.Consents(t.Context(), patient)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list {
		var head struct{ ID string }
		if err := json.Unmarshal(c.Resource, &head); err != nil {
			t.Fatal(err)
		}
		got = append(got, head.ID+" "+c.Version)
	}
	if !slices.Equal(got, want) {
		t.Errorf("of %s: got %v, want %v", patient, got, want)
	}
}

func consentOfPatient(t *ledgerTest) {
	t.apply(t.consents("b", "Patient/1", "OPTIN", 1, 0), nil)
	t.apply(t.consents("a", "Patient/1", "OPTOUT", 1, 0), nil)
	t.apply(t.consents("c", "Patient/2", "OPTIN", 1, 0), nil)
	t.wantConsents("Patient/1", "a 1", "b 1")
	t.apply(t.consents("a", "Patient/2", "OPTOUT", 2, 0), nil) // it was the wrong patient's
	t.wantConsents("Patient/1", "b 1")
	t.wantConsents("Patient/2", "a 2", "c 1")
	gone := t.consents("c", "Patient/2", "OPTIN", 3, 0)
	gone.Operation, gone.Resource = pipeline.Delete, nil
	t.apply(gone, nil)
	t.wantConsents("Patient/2", "a 2")
	t.wantConsents("")
}

func consentDue(t *ledgerTest) {
	n, other := t.booked("1", t.now), t.booked("2", t.now)
	t.apply(t.consents("a", "Patient/1", "OPTOUT", 1, 0), nil)
	var got []string
	for _, d := range t.due(t.now, 10) {
		if d.Consents {
			got = append(got, d.Key)
		}
	}
	wantEqual(t, "with Consents", strings.Join(got, " "), n.Key)
	wantEqual(t, "the other is another", other.Key == n.Key, false)
}

func consentLifts(t *ledgerTest) {
	t.toldTo("1", "")
	t.word("r1", phone, true, 0)
	wantEqual(t, "word", t.sender(phone).Word.Equal(t.now), true)
	stopped := func(id string) bool { return t.hear(reply(id, ""), pipeline.Heard{}).Stopped }
	wantEqual(t, "after STOP", stopped("r2"), true)
	t.apply(t.consents("a", "Patient/1", "OPTIN", 1, -1), nil)
	wantEqual(t, "permitted before", stopped("r3"), true)
	t.apply(t.consents("a", "Patient/2", "OPTIN", 2, 1), nil)
	wantEqual(t, "of another patient", stopped("r4"), true)
	t.apply(t.consents("b", "Patient/1", "OPTIN", 1, 0), nil)
	wantEqual(t, "permitted when it was said", stopped("r5"), true)
	t.word("r6", phone, true, -20)
	t.apply(t.consents("b", "Patient/1", "OPTIN", 2, -10), nil)
	wantEqual(t, "an older STOP is not the last word", stopped("r7"), true)
}

func consentLiftsSince(t *ledgerTest) {
	t.toldTo("1", "")
	t.word("r1", phone, true, -20)
	t.apply(t.consents("a", "Patient/1", "OPTIN", 1, -10), nil)
	wantEqual(t, "permitted since", t.hear(reply("r2", ""), pipeline.Heard{}).Stopped, false)
	t.toldTo("2", "") // a family's phone
	wantEqual(t, "of two patients, one permits", t.hear(reply("r3", ""), pipeline.Heard{}).Stopped, true)
	wantEqual(t, "of two patients, about that one", t.hear(reply("r4", "wamid.1"), pipeline.Heard{}).Stopped, false)
	wantEqual(t, "the number is still stopped", t.stopped(phone), true)
}
