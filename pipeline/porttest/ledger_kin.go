package porttest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"fhirbridge/pipeline"
)

// Who acts for a patient.
var kinTests = map[string]func(*ledgerTest){
	"of the patient, by reference, and of nobody else":    kinOfPatient,
	"the newest version counts":                           kinNewest,
	"where from is told":                                  kinFetched,
	"whoever got it is the recipient":                     kinRecipient,
	"an answer of who acts for a patient":                 kinThread,
	"a number that was told of two is no one's for sure":  kinSeveral,
	"a number of the patient's own is nobody else's word": kinOwn,
}

func related(id, patient string, n int) pipeline.Event {
	body, _ := json.Marshal(map[string]any{
		"resourceType": "RelatedPerson", "id": id, "meta": map[string]string{"versionId": strconv.Itoa(n)},
		"patient": map[string]string{"reference": patient},
	})
	return pipeline.Event{
		Type: "RelatedPerson", ID: id, Version: strconv.Itoa(n), LastUpdated: time.Unix(1_790_000_000+int64(n), 0).UTC(),
		Operation: pipeline.Update, Resource: body,
	}
}

func (t *ledgerTest) wantKin(patient string, want ...string) []pipeline.Related {
	t.Helper()
	list, err := t.l.RelatedPersons(t.Context(), patient)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range list {
		var head struct{ ID string }
		if err := json.Unmarshal(r.Resource, &head); err != nil {
			t.Fatal(err)
		}
		got = append(got, head.ID+" "+r.Version)
	}
	if !slices.Equal(got, want) {
		t.Errorf("of %s: got %v, want %v", patient, got, want)
	}
	return list
}

func kinOfPatient(t *ledgerTest) {
	for _, ev := range []pipeline.Event{related("b", "Patient/1", 1), related("a", "Patient/1", 1), related("c", "Patient/2", 1)} {
		t.apply(ev, nil)
	}
	t.wantKin("Patient/1", "a 1", "b 1")
	t.wantKin("Patient/2", "c 1")
	t.wantKin("Patient/3")
	t.wantKin("")
}

func kinNewest(t *ledgerTest) {
	t.apply(related("a", "Patient/1", 1), nil)
	t.apply(related("a", "Patient/2", 2), nil)
	t.wantKin("Patient/1")
	t.wantKin("Patient/2", "a 2")
	gone := related("a", "Patient/2", 3)
	gone.Operation, gone.Resource = pipeline.Delete, nil
	t.apply(gone, nil)
	t.wantKin("Patient/2")
}

func kinFetched(t *ledgerTest) {
	ev := related("a", "Patient/1", 1)
	if err := t.l.Fetched(t.Context(), pipeline.Versioned{Resource: ev.Resource, Version: "1"}, t.now); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "fetched", t.wantKin("Patient/1", "a 1")[0].Fetched, true)
	t.apply(related("a", "Patient/1", 2), nil)
	wantEqual(t, "fetched, once it came on a topic", t.wantKin("Patient/1", "a 2")[0].Fetched, false)
}

// toldTo brings a new appointment's notification to Accepted, sent to phone for recipient.
func (t *ledgerTest) toldTo(id, recipient string) pipeline.Notification {
	t.Helper()
	n := t.booked(id, t.now)
	a := t.try(t.lease(n.Key))
	a.Recipient, a.Actions = recipient, nil
	t.beginAs(a)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: a.ID, State: pipeline.Accepted, MessageID: "wamid." + id})
	return n
}

func kinRecipient(t *ledgerTest) {
	n := t.toldTo("1", "RelatedPerson/a")
	got := t.trace(n).Notification
	wantEqual(t, "recipient", got.Recipient, "RelatedPerson/a")
	wantEqual(t, "patient", got.Patient, n.Patient)
	wantEqual(t, "nobody said", t.trace(t.toldTo("2", "")).Notification.Recipient, "Patient/2")
}

func kinThread(t *ledgerTest) {
	t.toldTo("1", "RelatedPerson/a")
	thread := t.hear(reply("r1", ""), pipeline.Heard{})
	wantEqual(t, "proxy", thread.Proxy, "RelatedPerson/a")
	thread = t.hear(reply("r2", "wamid.1"), pipeline.Heard{})
	wantEqual(t, "of the message", thread.Sent.Notification.Recipient, "RelatedPerson/a")
}

func kinSeveral(t *ledgerTest) {
	t.toldTo("1", "RelatedPerson/a")
	t.toldTo("2", "RelatedPerson/b")
	thread := t.hear(reply("r1", ""), pipeline.Heard{})
	wantEqual(t, "proxy", thread.Proxy, "")
	wantEqual(t, "patients and who was told for them", strings.Join(slices.Concat(thread.Patients, thread.Proxies), " "), "Patient/2 Patient/1 RelatedPerson/b RelatedPerson/a")
}

func kinOwn(t *ledgerTest) {
	t.toldTo("1", "Patient/1")
	wantEqual(t, "proxy", t.hear(reply("r1", ""), pipeline.Heard{}).Proxy, "")
}
