package porttest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"testing"
	"time"

	"fhirbridge/pipeline"
)

// ledgerTest is a ledger with what the tests do again and again.
type ledgerTest struct {
	*testing.T
	l   pipeline.Ledger
	now time.Time
	// attempt is the last that begin made.
	attempt pipeline.Attempt
	// passed is when the last answer to who a patient is was right, by the last call of tries.
	passed time.Time
	// version and said are those of the subjects of tells.
	version int
	said    map[string][]pipeline.Notification
}

func newLedgerTest(t *testing.T, l pipeline.Ledger) *ledgerTest {
	return &ledgerTest{T: t, l: l, now: time.Now().UTC().Truncate(time.Second)}
}

const (
	phone      = "+15550100123"
	otherPhone = "+15550100199"
)

// version is the nth version of a resource, as an event.
func version(kind, id string, n int) pipeline.Event {
	body, _ := json.Marshal(map[string]any{
		"resourceType": kind, "id": id, "meta": map[string]string{"versionId": strconv.Itoa(n)}, "status": "booked",
		"start": "2027-01-15T09:30:00Z", "end": "2027-01-15T10:00:00Z",
		"participant": []any{map[string]any{"actor": map[string]string{"reference": "Patient/" + id}, "status": "needs-action"}},
	})
	return pipeline.Event{
		Type: kind, ID: id, Version: strconv.Itoa(n), LastUpdated: time.Unix(1_790_000_000+int64(n), 0).UTC(),
		Operation: pipeline.Update, Resource: body,
		Source: pipeline.Source{Topic: "ehr.fhir", Offset: int64(n), Key: pipeline.NewPrivate("key of " + id)},
	}
}

// note is a notification about an appointment.
func note(id, step string, due time.Time) pipeline.Notification {
	subject, patient := "Appointment/"+id, "Patient/"+id
	return pipeline.Notification{
		Key: pipeline.NotificationKey("appointment", step, subject, "1", patient), Journey: "appointment", Step: step,
		Subject: subject, Patient: patient, Recipient: patient, Occasion: "1", Due: due, Expires: due.Add(24 * time.Hour),
		Priority: pipeline.PriorityNews, Facts: pipeline.NewPrivate("facts of " + step), Resend: true, Edge: true,
	}
}

// plan is a Decide that wants these, whatever is kept.
func plan(wanted ...pipeline.Notification) pipeline.Decide {
	return func(pipeline.Versioned, pipeline.Known) (pipeline.Plan, error) {
		return pipeline.Plan{Wanted: wanted}, nil
	}
}

func (t *ledgerTest) apply(ev pipeline.Event, decide pipeline.Decide) pipeline.Applied {
	t.Helper()
	applied, err := t.l.Apply(t.Context(), ev, decide)
	if err != nil {
		t.Fatalf("Apply: %v", err)
	}
	return applied
}

// booked applies the first version of an appointment, which plans one notification.
func (t *ledgerTest) booked(id string, due time.Time) pipeline.Notification {
	t.Helper()
	n := note(id, "booked", due)
	t.apply(version("Appointment", id, 1), plan(n))
	return n
}

func (t *ledgerTest) due(now time.Time, limit int) []pipeline.DueNotification {
	t.Helper()
	list, _, err := t.l.Due(t.Context(), now, limit)
	if err != nil {
		t.Fatalf("Due: %v", err)
	}
	return list
}

// nextDue asks when the next is due, and leases nothing.
func (t *ledgerTest) nextDue() time.Time {
	t.Helper()
	list, next, err := t.l.Due(t.Context(), t.now, 0)
	if err != nil || len(list) > 0 {
		t.Fatalf("Due, of none: got %d, %v", len(list), err)
	}
	return next
}

func (t *ledgerTest) dueKeys(now time.Time, limit int) []string {
	t.Helper()
	keys := []string{}
	for _, n := range t.due(now, limit) {
		keys = append(keys, n.Key)
	}
	return keys
}

// lease leases what is due and returns the one with this key.
func (t *ledgerTest) lease(key string) pipeline.DueNotification {
	t.Helper()
	for _, n := range t.due(t.now, 100) {
		if n.Key == key {
			return n
		}
	}
	t.Fatalf("%s is not due", key)
	return pipeline.DueNotification{}
}

// try is an attempt at n, addressed to phone, with two buttons.
func (t *ledgerTest) try(n pipeline.DueNotification) pipeline.Attempt {
	return pipeline.Attempt{
		ID: pipeline.NewAttempt(), Notification: n.Key, Channel: "main", Address: pipeline.NewPrivate(phone),
		Seen: pipeline.NewPrivate("what the patient reads"), Template: "appointment_booked", Language: "de",
		Actions: []string{"confirm", "cancel"}, SubjectVersion: n.Subject.Version, Shown: "2027-01-15T09:30:00Z", Begun: t.now,
	}
}

// begin begins an attempt, which must succeed.
func (t *ledgerTest) begin(n pipeline.DueNotification) {
	t.Helper()
	t.beginAs(t.try(n))
}

func (t *ledgerTest) beginAs(a pipeline.Attempt) {
	t.Helper()
	if ok, err := t.l.Begin(t.Context(), a); err != nil || !ok {
		t.Fatalf("Begin: got %v, %v; want true", ok, err)
	}
	t.attempt = a
}

func (t *ledgerTest) settle(s pipeline.Settlement) {
	t.Helper()
	s.At = t.now
	if err := t.l.Settle(t.Context(), s); err != nil {
		t.Fatalf("Settle: %v", err)
	}
}

// sent brings a new appointment's notification to Accepted, sent to address.
func (t *ledgerTest) sent(id, address string) pipeline.Notification {
	t.Helper()
	return t.sentAs(id, address, "")
}

// sentAs is sent, to a number that the provider writes in another form; "" for the same.
func (t *ledgerTest) sentAs(id, address, written string) pipeline.Notification {
	t.Helper()
	n := t.booked(id, t.now)
	a := t.try(t.lease(n.Key))
	a.Address = pipeline.NewPrivate(address)
	t.beginAs(a)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: a.ID, State: pipeline.Accepted, MessageID: "wamid." + id, WrittenAs: pipeline.NewPrivate(written)})
	return n
}

func (t *ledgerTest) receive(r pipeline.Receipt) pipeline.Received {
	t.Helper()
	if r.At.IsZero() {
		r.At = t.now
	}
	got, err := t.l.Receive(t.Context(), r, func(m pipeline.SentMessage) []pipeline.Write {
		if m.Fate.Filed {
			return nil
		}
		return []pipeline.Write{write("sent:"+m.Attempt.ID, m.Notification.Patient)}
	})
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	return got
}

// reply is a text by phone that quotes a message of ours.
func reply(id, quotes string) pipeline.Reply {
	return pipeline.Reply{
		Channel: "main", ID: id, From: pipeline.NewPrivate(phone), Kind: "text", Text: pipeline.NewPrivate("words of " + id),
		Quotes: quotes, At: time.Now(), Received: time.Now(),
	}
}

// hear takes a reply in for the first time and returns its thread.
func (t *ledgerTest) hear(r pipeline.Reply, h pipeline.Heard) (thread pipeline.Thread) {
	t.Helper()
	fresh, err := t.l.Hear(t.Context(), r, func(found pipeline.Thread) (pipeline.Heard, error) {
		thread = found
		return h, nil
	})
	if err != nil || !fresh {
		t.Fatalf("Hear: got %v, %v; want true", fresh, err)
	}
	return thread
}

func write(key, order string) pipeline.Write {
	return pipeline.Write{
		Key: key, Kind: pipeline.WriteCreate, Sink: pipeline.SinkServer, Order: order, Type: "Communication",
		Body: pipeline.NewPrivate(`{"resourceType":"Communication"}`), IfNoneExist: "identifier=urn:test|" + key,
	}
}

// pending leases the writes that the FHIR server is owed.
func (t *ledgerTest) pending() []pipeline.Write {
	t.Helper()
	list, err := t.l.Writes(t.Context(), pipeline.SinkServer, time.Now().Add(time.Second), 100)
	if err != nil {
		t.Fatalf("Writes: %v", err)
	}
	return list
}

// trace returns the entry of one notification.
func (t *ledgerTest) trace(n pipeline.Notification) pipeline.TraceEntry {
	t.Helper()
	ref := n.Subject
	if ref == "" {
		ref = n.Patient
	}
	entries, err := t.l.Trace(t.Context(), ref)
	if err != nil {
		t.Fatalf("Trace: %v", err)
	}
	for _, e := range entries {
		if e.Notification.Key == n.Key {
			return e
		}
	}
	t.Fatalf("%s is not in the trace", n.Key)
	return pipeline.TraceEntry{}
}

func (t *ledgerTest) wantState(n pipeline.Notification, state pipeline.State, reason pipeline.Reason) {
	t.Helper()
	got := t.trace(n).Notification
	if got.State != state || got.Reason != string(reason) {
		t.Errorf("%s: got %s (%s), want %s (%s)", n.Step, got.State, got.Reason, state, reason)
	}
}

func (t *ledgerTest) wantFresh(ev pipeline.Event, want pipeline.Freshness) {
	t.Helper()
	if got := t.apply(ev, plan()).Fresh; got != want {
		t.Errorf("version %s: got %s, want %s", ev.Version, got, want)
	}
}

var errDecide = errors.New("cannot decide")

func wantEqual[V any](t *ledgerTest, what string, got, want V) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func keyed(n int) string { return fmt.Sprintf("%03d", n) }
