package pipeline_test

import (
	"encoding/json"
	"testing"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// TestResolverFindsBookings: what a visit was booked as is always the newest that is kept, with its places; and what came along
// goes before it.
func TestResolverFindsBookings(t *testing.T) {
	decoded := func(raw string) fhir.Resource {
		t.Helper()
		r, err := fhir.Decode([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	booking := func(status string) string {
		return `{"resourceType":"Appointment","id":"a1","status":"` + status + `","start":"2027-03-09T10:00:00Z","end":"2027-03-09T10:30:00Z",` +
			`"participant":[{"actor":{"reference":"Location/l1"},"status":"accepted"}]}`
	}
	kept := booking("booked")
	r := pipeline.NewResolver(shelf(func(ref string) (pipeline.Versioned, bool, error) {
		switch ref {
		case "Appointment/a1":
			return pipeline.Versioned{Resource: json.RawMessage(kept)}, kept != "", nil
		case "Location/l1":
			return location("House 2"), true, nil
		}
		return pipeline.Versioned{}, false, nil
	}))
	visit := decoded(`{"resourceType":"Encounter","id":"e1","status":"arrived","class":{"code":"AMB"},"appointment":[{"reference":"Appointment/a1"},{"reference":"Appointment/none"}]}`)
	status := func(along map[string]fhir.Resource) string {
		t.Helper()
		lookup, err := r.Lookup(t.Context(), visit, along)
		if err != nil {
			t.Fatal(err)
		}
		a, ok := lookup("Appointment/a1").(*fhir.Appointment)
		if !ok {
			return "none"
		}
		if _, ok := lookup("Location/l1").(*fhir.Location); !ok {
			t.Error("the place of the booking is not found")
		}
		return string(a.Status())
	}
	same(t, "kept", status(nil), "booked")
	kept = booking("cancelled")
	same(t, "changed a moment ago", status(nil), "cancelled")
	same(t, "along", status(map[string]fhir.Resource{"Appointment/a1": decoded(booking("arrived"))}), "arrived")
	kept = ""
	same(t, "gone", status(nil), "none")
}
