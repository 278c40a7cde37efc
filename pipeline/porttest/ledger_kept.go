package porttest

import (
	"slices"

	"fhirbridge/pipeline"
)

func keepsPages(t *ledgerTest) {
	for _, id := range []string{"3", "1", "4", "2", "gone"} {
		t.apply(version("Appointment", id, 1), plan())
	}
	t.apply(version("AppointmentResponse", "9", 1), nil)
	t.apply(version("Patient", "1", 1), nil)
	gone := version("Appointment", "gone", 2)
	gone.Operation, gone.Resource = pipeline.Delete, nil
	t.apply(gone, plan())
	t.hear(reply("r1", ""), pipeline.Heard{Outcome: pipeline.Outcome{ // about a subject that was never kept
		Answer: &pipeline.Answer{Subject: "Appointment/0", Patient: "Patient/1", Action: "confirm", At: t.now},
	}})
	var refs []string
	for after := ""; ; {
		page, err := t.l.Kept(t.Context(), "Appointment", after, 3)
		if err != nil {
			t.Fatalf("Kept: %v", err)
		}
		if len(page) == 0 {
			break
		}
		for _, k := range page {
			refs = append(refs, k.Ref)
			if k.Version != "1" || string(k.Resource) != string(version("Appointment", k.Ref[len("Appointment/"):], 1).Resource) {
				t.Errorf("%s: another resource came back", k.Ref)
			}
		}
		after = page[len(page)-1].Ref
	}
	if want := []string{"Appointment/1", "Appointment/2", "Appointment/3", "Appointment/4"}; !slices.Equal(refs, want) {
		t.Errorf("kept: got %v, want %v", refs, want)
	}
}
