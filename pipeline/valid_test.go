package pipeline_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

// TestPatchesAreValidated: a patch that would make an invalid resource is not sent; what was wrong before does not matter.
func TestPatchesAreValidated(t *testing.T) {
	finds := func(words ...string) func([]byte) []string { // what is wrong with a resource that has one of these words
		return func(body []byte) (found []string) {
			for _, w := range words {
				if strings.Contains(string(body), w) {
					found = append(found, "Communication "+w)
				}
			}
			return found
		}
	}
	for _, c := range []struct {
		name     string
		validate func([]byte) []string
		want     int
	}{
		{"valid", finds(), 1}, {"nobody looks", nil, 1},
		{"it was not before", finds("in-house"), 1},
		{"it would be no more", finds("completed"), 0},
		{"it was not before, and would be less so", finds("in-house", "completed"), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newOutbox(pipeline.Write{
					Key: "f1", Kind: pipeline.WriteFollow, Order: "Patient/p1", Type: "Communication", Answers: "sent@server",
					Body: pipeline.NewPrivate(`{"resourceType":"Communication","status":"completed"}`), Sink: pipeline.SinkServer,
				})
				k.refs["sent@server"] = "Communication/c1"
				patches := 0
				b := writingBack(t, k, &server{
					read: func(string) (pipeline.Versioned, error) {
						return pipeline.Versioned{Resource: json.RawMessage(`{"resourceType":"Communication","id":"c1","status":"in-progress","language":"in-house"}`), Version: "3"}, nil
					},
					patch: func(string, string, []byte) error { patches++; return nil },
				})
				b.Validate = c.validate
				stop := start(b.Run)
				pass(time.Minute)
				stop()
				same(t, "patches, and how it ends", []any{patches, k.ends()}, []any{c.want, []string{"f1 done"}})
			})
		})
	}
}

// TestLadderIsValidated: what may not leave leads on to the next rung, and people have it in the end.
func TestLadderIsValidated(t *testing.T) {
	d := pipeline.Decision{Appointment: "Appointment/a1", Patient: "Patient/p1", Status: "accepted", Start: at(visitStart), Was: "needs-action", Reply: "m1", At: recordTime}
	c := newClinic()
	l := &pipeline.Ladder{Server: c, Rungs: []pipeline.Rung{pipeline.RungPatch, pipeline.RungResponse, pipeline.RungTask}, Filing: filing}
	l.Validate = func(body []byte) []string {
		if strings.Contains(string(body), `"Appointment"`) && !strings.Contains(string(body), `"needs-action"`) || strings.Contains(string(body), "AppointmentResponse") {
			return []string{"Appointment.participant bad"}
		}
		return nil
	}
	carried, err := l.Carry(t.Context(), d, recordTime)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "written to the server", len(c.wrote), 0)
	same(t, "owed", []any{len(carried.Writes), carried.Writes[0].Type}, []any{2, "Task"})
	l.Validate = func(body []byte) []string { return []string{"Appointment invalid"} }
	asked, err := l.Grant(t.Context(), wishOf("", true), recordTime)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "a wish", []any{len(c.wrote), asked.Writes[0].Type, asked.Say[0].Step}, []any{0, "Task", "asked"})
}
