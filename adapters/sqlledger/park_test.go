package sqlledger_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"fhirbridge/pipeline"
)

// refs are the resources of parked events, in order.
func refs(list []pipeline.ParkedEvent) string {
	var names []string
	for _, e := range list {
		names = append(names, e.Event.Ref())
	}
	return strings.Join(names, " ")
}

// TestUnreadableParked: a parked event that the key does not open holds up none of the others, is told of
// once, and stays until its record is read again.
func TestUnreadableParked(t *testing.T) {
	dir := t.TempDir()
	l := openFile(t, dir)
	now := time.Now()
	for i := range int64(3) {
		if err := l.Park(t.Context(), appointment(i), pipeline.ReasonNoPatient, now); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, dir, "UPDATE parked SET secret = (SELECT secret FROM parked WHERE ref = 'Appointment/a1') WHERE ref = 'Appointment/a0'")
	l = openFile(t, dir)
	list, err := l.Parked(t.Context(), now, 2)
	var fault *pipeline.Error
	if !errors.As(err, &fault) || fault.Kind != pipeline.Malformed || fault.Reason != "unreadable" {
		t.Errorf("got %v, want it Malformed, unreadable", err)
	}
	if err != nil && !strings.Contains(err.Error(), appointment(0).Source.String()) {
		t.Errorf("got %v, want the place of the record in it", err)
	}
	if got := refs(list); got != "Appointment/a1" {
		t.Errorf("with the error: got %q, want the other that was asked for", got)
	}
	list, err = l.Parked(t.Context(), now, 2)
	if got := refs(list); got != "Appointment/a1 Appointment/a2" || err != nil {
		t.Errorf("after the error: got %q, %v; want both others and no error", got, err)
	}
	if census, err := l.Census(t.Context()); err != nil || census.Parked != 3 {
		t.Errorf("census: got %d parked, %v; want all three", census.Parked, err)
	}
	if err := l.Park(t.Context(), appointment(0), pipeline.ReasonNoPatient, now); err != nil {
		t.Fatal(err)
	}
	list, err = l.Parked(t.Context(), now, 3)
	if got := refs(list); got != "Appointment/a0 Appointment/a1 Appointment/a2" || err != nil {
		t.Errorf("after its record was read again: got %q, %v; want all three", got, err)
	}
}
