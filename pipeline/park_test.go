package pipeline_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// lot is the part of a ledger that parking sees.
type lot struct {
	ledger
	mu      sync.Mutex
	list    []pipeline.ParkedEvent
	retry   map[string]time.Time
	kept    map[string]json.RawMessage
	applied []string
}

func newLot(list ...pipeline.ParkedEvent) *lot {
	k := &lot{list: list, retry: map[string]time.Time{}, kept: map[string]json.RawMessage{}}
	name := func(s pipeline.Source, ref string) string { return s.String() + " " + ref }
	k.parked = func(now time.Time, limit int) (due []pipeline.ParkedEvent, _ error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		for _, e := range k.list {
			if len(due) < limit && !k.retry[name(e.Event.Source, e.Event.Ref())].After(now) {
				due = append(due, e)
			}
		}
		return due, nil
	}
	k.park = func(ev pipeline.Event, _ pipeline.Reason, retry time.Time) error {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.retry[name(ev.Source, ev.Ref())] = retry
		for i := range k.list {
			if e := &k.list[i]; e.Event.Ref() == ev.Ref() {
				e.Tries++
			}
		}
		return nil
	}
	k.unpark = func(s pipeline.Source, ref string) error {
		k.mu.Lock()
		defer k.mu.Unlock()
		for i, e := range k.list {
			if e.Event.Source == s && e.Event.Ref() == ref {
				k.list = append(k.list[:i:i], k.list[i+1:]...)
				break
			}
		}
		return nil
	}
	k.resource = func(ref string) (pipeline.Versioned, bool, error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		raw, ok := k.kept[ref]
		return pipeline.Versioned{Resource: raw}, ok, nil
	}
	k.fetched = func(v pipeline.Versioned, _ time.Time) error {
		h, err := fhir.Peek(v.Resource)
		k.know(h.Ref(), v.Resource)
		return err
	}
	k.apply = func(ev pipeline.Event, _ pipeline.Decide) (pipeline.Applied, error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.applied = append(k.applied, ev.Ref())
		return pipeline.Applied{Planned: 1}, nil
	}
	return k
}

func (k *lot) know(ref string, raw json.RawMessage) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept[ref] = raw
}

// standing is what was applied so far, and how many events are still parked.
func (k *lot) standing() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return fmt.Sprint(k.applied, len(k.list))
}

func parkedVisit(id, patient string, offset int64) pipeline.ParkedEvent {
	ev := appointmentEvent(visit{id: id, actor: "Patient/" + patient})
	ev.Source = pipeline.Source{Topic: "ehr.fhir", Offset: offset}
	return pipeline.ParkedEvent{Event: ev, Reason: pipeline.ReasonNoPatient, Tries: 1, Since: time.Now()}
}

func TestParking(t *testing.T) {
	half := 12 * time.Hour
	has := func(ref string) (pipeline.Versioned, error) {
		return pipeline.Versioned{Resource: patientJSON(strings.TrimPrefix(ref, "Patient/"), number), Version: "1"}, nil
	}
	says := func(err error) func(string) (pipeline.Versioned, error) {
		return func(string) (pipeline.Versioned, error) { return pipeline.Versioned{}, err }
	}
	cases := []struct {
		name    string
		server  func(ref string) (pipeline.Versioned, error) // nil: there is none
		play    func(*lot, *pipeline.Intake)
		age     time.Duration // since when it is parked
		applied string
		dead    string // bridge-faults
		parked  int
	}{
		{name: "the server knows the patient", server: has, applied: "Appointment/a1"},
		{name: "the patient comes on a topic", server: says(refused("404")), applied: "Appointment/a1",
			play: func(k *lot, _ *pipeline.Intake) {
				time.AfterFunc(time.Minute, func() { k.know("Patient/p1", patientJSON("p1", number)) })
			}},
		{name: "no server, and the patient comes", applied: "Appointment/a1",
			play: func(k *lot, _ *pipeline.Intake) {
				time.AfterFunc(time.Minute, func() { k.know("Patient/p1", patientJSON("p1", number)) })
			}},
		{name: "nobody knows the patient yet", server: says(refused("404")), age: half - time.Hour, parked: 1},
		{name: "nobody has ever known the patient", server: says(refused("404")), age: half - time.Second, dead: "no_patient Appointment.participant.actor"},
		{name: "a reference that no server takes", server: says(&pipeline.Error{Kind: pipeline.Refused, Reason: "bad_reference"}), age: half - time.Second, dead: "no_patient Appointment.participant.actor"},
		{name: "the server gives what cannot be kept", age: half - time.Second, dead: "no_patient Appointment.participant.actor",
			server: has, play: func(k *lot, _ *pipeline.Intake) {
				k.fetched = func(pipeline.Versioned, time.Time) error { return broken("not_fhir") }
			}},
		{name: "the server gives another one", age: half - time.Second, dead: "no_patient Appointment.participant.actor",
			server: func(string) (pipeline.Versioned, error) { return has("Patient/other") }},
		{name: "the server is down, for days", server: says(transient("unreachable")), age: 6 * half, parked: 1},
		{name: "the resource cannot be read", server: has, dead: "wrong_type Appointment.status",
			play: func(k *lot, _ *pipeline.Intake) {
				k.list[0].Event.Resource = json.RawMessage(`{"resourceType":"Appointment","id":"a1","status":7}`)
			}},
		{name: "the journeys panic", server: has, dead: "panic",
			play: func(_ *lot, in *pipeline.Intake) {
				in.Journeys = &journeys{needs: func(fhir.Resource) []string { panic(words) }}
			}},
		{name: "the ledger will never take it", server: has, dead: "foreign_plan",
			play: func(k *lot, _ *pipeline.Intake) {
				k.apply = func(pipeline.Event, pipeline.Decide) (pipeline.Applied, error) {
					return pipeline.Applied{}, broken("foreign_plan")
				}
			}},
		{name: "the dead-letter topic is down", server: says(refused("410")), age: half - time.Second, parked: 1,
			play: func(_ *lot, in *pipeline.Intake) {
				in.DeadLetters.Publisher = publisher(func(published) error { return transient("unreachable") })
			}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newLot(parkedVisit("a1", "p1", 7))
				k.list[0].Since = time.Now().Add(-c.age)
				dead := []string{}
				in, lane := parking(t, k, &dead)
				if c.server != nil {
					lane.Server = &server{lookup: c.server}
				}
				if c.play != nil {
					c.play(k, in)
				}
				stop := start(lane.Run)
				pass(10 * time.Minute)
				stop()
				same(t, "applied", strings.Join(k.applied, " "), c.applied)
				same(t, "dead letters", strings.Join(dead, " "), c.dead)
				same(t, "still parked", len(k.list), c.parked)
			})
		})
	}
}

func parking(t *testing.T, k *lot, dead *[]string) (*pipeline.Intake, *pipeline.Parking) {
	t.Helper()
	log, _ := newLog(t)
	in := &pipeline.Intake{
		Decoder: plainDecoder, Ledger: k, Resolver: pipeline.NewResolver(k), Log: log, Now: time.Now, MaxAge: 24 * time.Hour,
		Journeys: &journeys{needs: func(r fhir.Resource) []string { return []string{r.(*fhir.Appointment).Patients()[0].Actor.String()} }},
		DeadLetters: &pipeline.DeadLetters{Topic: "dead", Publisher: publisher(func(p published) error {
			*dead = append(*dead, p.headers[pipeline.HeaderFaults])
			return nil
		})},
	}
	return in, &pipeline.Parking{Intake: in, Log: log}
}

// TestParkingKeepsTheOthersOfARecord shows that one event of a record which can
// be decided does not take along another one which cannot.
func TestParkingKeepsTheOthersOfARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newLot(parkedVisit("a1", "p1", 7), parkedVisit("a2", "p2", 7))
		k.kept["Patient/p1"] = patientJSON("p1", number)
		_, lane := parking(t, k, &[]string{})
		stop := start(lane.Run)
		pass(time.Minute)
		same(t, "applied and parked", k.standing(), "[Appointment/a1] 1")
		k.know("Patient/p2", patientJSON("p2", number))
		pass(10 * time.Minute)
		stop()
		same(t, "applied and parked", k.standing(), "[Appointment/a1 Appointment/a2] 0")
	})
}

// TestParkingDoesNotSpin shows that a full batch on which everything fails is
// looked at from time to time, and gives way to others.
func TestParkingDoesNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newLot()
		for i := range 70 {
			k.list = append(k.list, parkedVisit(fmt.Sprintf("a%d", i), fmt.Sprintf("p%d", i), int64(i)))
		}
		k.kept["Patient/p69"] = patientJSON("p69", number)
		var asked atomic.Int64
		park := k.park
		k.park = func(ev pipeline.Event, why pipeline.Reason, retry time.Time) error {
			if asked.Add(1) <= 20*64 {
				return transient("disk_full")
			}
			return park(ev, why, retry)
		}
		_, lane := parking(t, k, &[]string{})
		stop := start(lane.Run)
		pass(2100 * time.Millisecond)
		if n := asked.Load(); n > 10*64 {
			t.Errorf("%d tries in two seconds in which the ledger did not answer, want a batch from time to time", n)
		}
		pass(time.Minute)
		stop()
		same(t, "applied and parked", k.standing(), "[Appointment/a69] 69")
	})
}
