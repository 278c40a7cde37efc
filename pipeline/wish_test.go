package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir/strict"
	"fhirbridge/pipeline"
)

// clinic is a FHIR server with what it has by reference, that notes what it is asked to write.
type clinic struct {
	server
	has    map[string]string
	gone   map[string]error // by reference, "slots", "create" or "patch"
	found  string           // what Find finds
	free   []pipeline.Slot
	search pipeline.SlotSearch
	wrote  []string
}

func (d *clinic) read(_ context.Context, ref string) (pipeline.Versioned, error) {
	if err := d.gone[ref]; err != nil {
		return pipeline.Versioned{}, err
	}
	body, ok := d.has[ref]
	if !ok {
		return pipeline.Versioned{}, refused("404")
	}
	return pipeline.Versioned{Resource: json.RawMessage(body), Version: "1"}, nil
}

func (d *clinic) Read(ctx context.Context, ref string) (pipeline.Versioned, error) {
	return d.read(ctx, ref)
}

func (d *clinic) Lookup(ctx context.Context, ref string) (pipeline.Versioned, error) {
	return d.read(ctx, ref)
}

func (d *clinic) Find(context.Context, string, string) (string, error) {
	return d.found, d.gone["find"]
}

func (d *clinic) FreeSlots(_ context.Context, q pipeline.SlotSearch) ([]pipeline.Slot, error) {
	d.search = q
	return d.free, d.gone["slots"]
}

func (d *clinic) Create(_ context.Context, body []byte, ifNoneExist string) (string, error) {
	var r struct {
		ResourceType, Status, Start string
		Participant                 []struct {
			Actor  struct{ Reference string }
			Status string
		}
	}
	_ = json.Unmarshal(body, &r)
	line := fmt.Sprintf("create %s %s %s %s", r.ResourceType, r.Status, r.Start, ifNoneExist)
	for _, p := range r.Participant {
		line += " " + p.Actor.Reference + "=" + p.Status
	}
	d.wrote = append(d.wrote, line)
	if found := strict.Validate(body); len(found) > 0 {
		return "", fmt.Errorf("invalid: %v", found)
	}
	return r.ResourceType + "/1", d.gone["create"]
}

func (d *clinic) Patch(_ context.Context, ref, version string, patch []byte) error {
	var ops []struct {
		Path  string
		Value any
	}
	_ = json.Unmarshal(patch, &ops)
	line := "patch " + ref + " v" + version
	for _, op := range ops {
		if op.Path == "/start" || strings.HasSuffix(op.Path, "/status") && op.Path != "/status" {
			line += fmt.Sprintf(" %s=%v", op.Path, op.Value)
		}
	}
	d.wrote = append(d.wrote, line)
	if strings.Contains(line, "/start") {
		return d.gone["patch"]
	}
	return d.gone["participation"]
}

const chosenStart = "2000-02-03T09:00:00Z"

func slotOf(id, status, start string) string {
	return fmt.Sprintf(`{"resourceType":"Slot","id":%q,"status":%q,"schedule":{"reference":"Schedule/1"},"start":%q,"end":%q}`,
		id, status, start, at(start).Add(time.Hour).Format(time.RFC3339))
}

// newClinic has a visit at a slot, and another slot that is free.
func newClinic() *clinic {
	return &clinic{
		gone: map[string]error{},
		has: map[string]string{
			"Appointment/a1": strings.Replace(string(visit{}.json()), `"end":"2000-02-01T10`, `"slot":[{"reference":"Slot/0"}],"end":"2000-02-01T11`, 1),
			"Slot/0":         slotOf("0", "busy", visitStart), "Slot/1": slotOf("1", "free", chosenStart),
			"Schedule/1": `{"resourceType":"Schedule","id":"1","actor":[{"reference":"Practitioner/9"}]}`,
		},
		free: []pipeline.Slot{{Ref: "Slot/2", Start: at(chosenStart).Add(time.Hour)}},
	}
}

// wishOf is one for times, or for the time of Slot/1; of a visit, or of a new appointment.
func wishOf(visit string, chosen bool) pipeline.Wish {
	say := func(step string) []pipeline.Notification { return []pipeline.Notification{{Key: "k", Step: step}} }
	w := pipeline.Wish{
		Patient: "Patient/p1", Visit: visit, Code: "book", Service: "checkup", Status: "proposed", Origin: "origin", Reply: "m1", At: recordTime,
		Search: pipeline.SlotSearch{From: at("2000-01-02T00:00:00Z"), To: at("2000-03-01T00:00:00Z"), Limit: 9}, Until: at("2000-01-01T00:02:00Z"),
		Offer: say("offer"), Taken: say("taken"), Done: say("done"), Asked: say("asked"),
	}
	if chosen {
		w.Slot = &pipeline.Slot{Ref: "Slot/1", Start: at(chosenStart), End: at(chosenStart).Add(time.Hour)}
	}
	if visit != "" {
		w.Code = "change"
		w.Decision = &pipeline.Decision{Appointment: visit, Patient: "Patient/p1", Status: "tentative", Start: at(visitStart), Was: "needs-action", Reply: "m1", At: recordTime}
		w.Answer = &pipeline.Answer{Subject: visit, Patient: "Patient/p1", Action: "change:" + visitStart, Occasion: chosenStart, At: recordTime}
	} else {
		w.Search.Schedules = []string{"Schedule/1"}
	}
	return w
}

const (
	created   = "create Appointment proposed 2000-02-03T09:00:00Z identifier=urn:fhirbridge:request|origin Patient/p1=accepted Practitioner/9=needs-action"
	patched   = "patch Appointment/a1 v1 /start=2000-02-01T10:00:00Z /start=2000-02-03T09:00:00Z"
	tentative = "patch Appointment/a1 v1 /participant/1/status=tentative"
)

// TestGrant is what comes of a wish: what is written, said, and asked of people.
func TestGrant(t *testing.T) {
	taken := func(d *clinic) { d.has["Slot/1"] = slotOf("1", "busy", chosenStart) }
	none := func(d *clinic) { d.free = nil }
	with := func(ref string, err error) func(*clinic) { return func(d *clinic) { d.gone[ref] = err } }
	both := func(list ...func(*clinic)) func(*clinic) {
		return func(d *clinic) {
			for _, one := range list {
				one(d)
			}
		}
	}
	down := &pipeline.Error{Op: "test"}
	is := func(v visit) func(*clinic) { return func(d *clinic) { d.has["Appointment/a1"] = string(v.json()) } }
	known := func(start, status string) func(*clinic) {
		return func(d *clinic) {
			d.found, d.has["Appointment/k"] = "Appointment/k", string(visit{id: "k", start: start, status: status}.json())
		}
	}
	const v = "Appointment/a1"
	for _, c := range []struct {
		name   string
		wish   pipeline.Wish
		set    func(*clinic)
		rungs  string
		late   bool
		wrote  string
		said   string
		task   string
		failed bool
	}{
		{name: "times for an appointment", wish: wishOf("", false), said: "offer Slot/2"},
		{name: "no time is free", wish: wishOf("", false), set: none, said: "asked", task: "WhatsApp: book"},
		{name: "a server that has no slots", wish: wishOf("", false), set: with("slots", refused("404")), said: "asked", task: "WhatsApp: book"},
		{name: "a server that is down", wish: wishOf("", false), set: with("slots", down), failed: true},
		{name: "a server that is down for too long", wish: wishOf("", false), set: with("slots", down), late: true, said: "asked", task: "WhatsApp: book"},

		{name: "a time is asked for", wish: wishOf("", true), wrote: created, said: "done Slot/1", task: "WhatsApp: appointment requested"},
		{name: "once more", wish: wishOf("", true), set: both(taken, known(chosenStart, "proposed")), said: "done Slot/1", task: "WhatsApp: appointment requested"},
		{name: "another out of the same conversation", wish: wishOf("", true), set: known(visitStart, "booked"), said: "asked", task: "WhatsApp: book"},
		{name: "the same, cancelled since", wish: wishOf("", true), set: known(chosenStart, "cancelled"), said: "asked", task: "WhatsApp: book"},
		{name: "a time that is taken", wish: wishOf("", true), set: taken, said: "taken Slot/2"},
		{name: "a time that has moved", wish: wishOf("", true), set: func(d *clinic) { d.has["Slot/1"] = slotOf("1", "free", visitStart) }, said: "taken Slot/2"},
		{name: "a time that is gone", wish: wishOf("", true), set: with("Slot/1", refused("410")), said: "taken Slot/2"},
		{name: "a time that is taken, and no other", wish: wishOf("", true), set: both(taken, none), said: "asked", task: "WhatsApp: book"},
		{name: "a server that creates none", wish: wishOf("", true), set: with("create", refused("422")), wrote: created, said: "asked", task: "WhatsApp: book"},
		{name: "one that cannot be searched by identifier", wish: wishOf("", true), set: with("find", refused("400")), said: "asked", task: "WhatsApp: book"},
		{name: "one that cannot be searched, and looks itself", wish: wishOf("", true), set: func(d *clinic) {
			d.gone["find"] = refused("400")
			d.declared = func(string) pipeline.Declared { return pipeline.Declared{Known: true, ConditionalCreate: true} }
		}, wrote: created, said: "done Slot/1", task: "WhatsApp: appointment requested"},
		{name: "no answer to the creation", wish: wishOf("", true), set: with("create", down), wrote: created, failed: true},
		{name: "asked for already, and told late", wish: wishOf("", true), late: true, set: both(taken, known(chosenStart, "proposed")), said: "done Slot/1", task: "WhatsApp: appointment requested"},
		{name: "too late, and nobody knows whether it was asked for", wish: wishOf("", true), late: true, set: with("find", down), failed: true},
		{name: "asked for too late", wish: wishOf("", true), late: true, said: "asked", task: "WhatsApp: book"},

		{name: "times for a visit", wish: wishOf(v, false), said: "offer Slot/2"},
		{name: "no time for a visit", wish: wishOf(v, false), set: none, wrote: tentative, said: "asked", task: "WhatsApp: change"},
		{name: "a visit with nobody and nowhere", wish: wishOf(v, false), set: func(d *clinic) {
			d.has[v] = strings.Replace(string(visit{}.json()), "Practitioner/9", "Device/9", 1)
		}, wrote: tentative, said: "asked", task: "WhatsApp: change"},
		{name: "moved", wish: wishOf(v, true), wrote: patched, said: "done Slot/1"},
		{name: "moved already, without an answer", wish: wishOf(v, true), set: both(taken, func(d *clinic) {
			d.has[v] = strings.Replace(string(visit{start: chosenStart}.json()), `"participant"`, `"slot":[{"reference":"Slot/1"}],"participant"`, 1)
		}), said: "done Slot/1"},
		{name: "moved already, and told late", wish: wishOf(v, true), late: true, set: both(taken, func(d *clinic) {
			d.has[v] = strings.Replace(string(visit{start: chosenStart}.json()), `"participant"`, `"slot":[{"reference":"Slot/1"}],"participant"`, 1)
		}), said: "done Slot/1"},
		{name: "moved already and cancelled since, and told late", wish: wishOf(v, true), late: true, set: both(taken, func(d *clinic) {
			d.has[v] = strings.Replace(string(visit{start: chosenStart, status: "cancelled"}.json()), `"participant"`, `"slot":[{"reference":"Slot/1"}],"participant"`, 1)
		}), said: "asked", task: "WhatsApp: change"},
		{name: "the chosen time is taken", wish: wishOf(v, true), set: taken, said: "taken Slot/2"},
		{name: "the EHR does not move it", wish: wishOf(v, true), set: with("patch", refused("422")), wrote: patched + "; " + tentative, said: "asked", task: "WhatsApp: change"},
		{name: "the EHR takes no patch at all", wish: wishOf(v, true), rungs: "response", wrote: "create AppointmentResponse   identifier=urn:fhirbridge:decision|response:*", said: "asked", task: "WhatsApp: change"},
		{name: "moved by the hospital meanwhile", wish: wishOf(v, true), set: is(visit{start: "2000-02-02T10:00:00Z"}), said: "asked", task: "WhatsApp: change"},
		{name: "cancelled meanwhile", wish: wishOf(v, true), set: is(visit{status: "cancelled"}), said: "asked", task: "WhatsApp: change"},
		{name: "declined at the desk meanwhile", wish: wishOf(v, true), set: is(visit{participant: "declined"}), said: "asked", task: "WhatsApp: change"},
		{name: "a visit of several patients", wish: wishOf(v, true), set: func(d *clinic) {
			d.has[v] = strings.Replace(string(visit{}.json()), "Practitioner/9", "Patient/p2", 1)
		}, wrote: tentative, said: "asked", task: "WhatsApp: change"},
		{name: "a conflict without end", wish: wishOf(v, true), set: with("patch", refused("412")), wrote: strings.TrimSuffix(strings.Repeat(patched+"; ", 5), "; "), failed: true},
		{name: "chosen too late", wish: wishOf(v, true), late: true, wrote: tentative, said: "asked", task: "WhatsApp: change"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newClinic()
			if c.set != nil {
				c.set(d)
			}
			rungs := []pipeline.Rung{pipeline.RungPatch, pipeline.RungTask}
			if c.rungs != "" {
				rungs = []pipeline.Rung{pipeline.Rung(c.rungs), pipeline.RungTask}
			}
			l := &pipeline.Ladder{Server: d, Rungs: rungs, Filing: pipeline.Filing{Sinks: []pipeline.Sink{pipeline.SinkServer}}}
			now := at("2000-01-01T00:00:00Z")
			if c.late {
				now = c.wish.Until
			}
			carried, err := l.Grant(t.Context(), c.wish, now)
			same(t, "failed", err != nil, c.failed)
			want, wrote := c.wrote, strings.Join(d.wrote, "; ")
			if start, open := strings.CutSuffix(want, "*"); open && strings.HasPrefix(wrote, start) {
				want = wrote
			}
			same(t, "wrote", wrote, want)
			same(t, "task", taskOf(t, carried.Writes), c.task)
			var said []string
			for _, n := range carried.Say {
				said = append(said, n.Step)
				for _, s := range n.Offers {
					said = append(said, s.Ref)
				}
			}
			same(t, "said", strings.Join(said, " "), c.said)
			same(t, "is kept as moved", carried.Answer != nil, c.wish.Visit != "" && c.said == "done Slot/1")
		})
	}
}

// TestGrantSearches is whose times are looked for.
func TestGrantSearches(t *testing.T) {
	d := newClinic()
	l := &pipeline.Ladder{Server: d, Rungs: []pipeline.Rung{pipeline.RungPatch}, Filing: pipeline.Filing{Sinks: []pipeline.Sink{pipeline.SinkServer}}}
	grant := func(w pipeline.Wish, now string) pipeline.SlotSearch {
		t.Helper()
		w.Until = at(now).Add(time.Minute)
		if _, err := l.Grant(t.Context(), w, at(now)); err != nil {
			t.Fatal(err)
		}
		return d.search
	}
	q := grant(wishOf("", false), "2000-01-03T00:00:00Z")
	same(t, "not before now", q.From.Format(time.RFC3339), "2000-01-03T00:00:00Z")
	q = grant(wishOf("Appointment/a1", false), "2000-01-01T00:00:00Z")
	same(t, "of the schedule of its slot", strings.Join(q.Schedules, " ")+q.Actor, "Schedule/1")
	d.has["Appointment/a1"] = strings.Replace(string(visit{}.json()), `"participant":[`,
		`"serviceType":[{"coding":[{"system":"urn:types","code":"scan"}]}],"participant":[{"actor":{"reference":"Location/1"},"status":"accepted"},`, 1)
	q = grant(wishOf("Appointment/a1", false), "2000-01-01T00:00:00Z")
	same(t, "of whom it is with, there, of its kind", q.Actor+" "+strings.Join(q.Places, " ")+" "+strings.Join(q.Types, " "), "Practitioner/9 Location/1 urn:types|scan")
}
