package fhirpath_test

import (
	"errors"
	"strings"
	"testing"

	"fhirbridge/fhir/fhirpath"
)

// TestCompileRefuses names everything that the library takes and gets wrong, or
// refuses without a word that helps.
func TestCompileRefuses(t *testing.T) {
	for _, test := range []struct {
		expression string
		column     int
		problem    string
	}{
		{"comment ~ 'x'", 9, "~ panics"},
		{"comment !~ 'x'", 9, "!~ panics"},
		{"serviceType.single()", 13, "write first()"},
		{"id.union(status)", 4, "write a | b"},
		{"serviceType.aggregate($this)", 13, "not implemented"},
		{"comment.trim()", 9, "not implemented"},
		{"conformsTo('urn:x')", 1, "not implemented"},
		{"comment.convertsToDateTime()", 9, "toDateTime().exists()"},
		{"comment.convertToDateTime()", 9, "no function of FHIRPath"},
		{"serviceType.where($index = 0)", 19, "$index"},
		{"serviceType.select($total)", 20, "$total"},
		{"comment.toQuantity()", 9, "without its unit"},
		{"start.hasValue()", 7, "write exists()"},
		{"%resource.id", 1, "write %context"},
		{"%sct", 1, "not known here"},
		{"%loinc", 1, "not known here"},
		{"code.memberOf(%'vs-x')", 6, "terminology server"},
		{"%`vs-x`", 1, "not known here"},
		{"iif(Appointment.comment.exists(), 'a', 'b')", 5, "argument of a function"},
		{"participant.where(Appointment.status = 'booked')", 19, "argument of a function"},
		{"participant.where((Appointment.status) = 'booked')", 20, "argument of a function"},
		{"comment.contains(Appointment.id)", 18, "argument of a function"},
		{"Appointement.status", 1, "no resource of R4"},
		{"effectiveDateTime", 1, "write effective"},
		{"DiagnosticReport.effectivePeriod.start", 18, "write effective"},
		{"extension.valueCode", 11, "write value"},
		{"extension.`valueCode`", 11, "write value"},
		{"effective < now()", 1, "write (effective as dateTime)"},
		{"now() > effective", 9, "write (effective as dateTime)"},
		{"Patient.deceased = true", 9, "of several types"},
		{"deceased and active", 1, "of several types"},
		{"deceased.not()", 1, "of several types"},
		{"effective.start", 1, "of several types"},
		{"where(effective).exists()", 7, "of several types"},
		{"payload.content = 'x'", 9, "of several types"},
		{"now() - start", 7, "two times"},
		{"start - now()", 7, "two times"},
		{"today() - created", 9, "two times"},
		{"participant.actor.resolve()", 19, "write reference"},
		{"comment.trace('x')", 9, "log"},
		{"repeat($this & 'x')", 1, "may never end"},
		{"(serviceType.coding.code).join(',')", 27, "several texts"},
		{"comment.split(',')", 9, "not implemented"},
		{"status =", 1, "does not compile"},
		{"", 1, "does not compile"},
		{"status = 'booked", 1, "does not compile"},
		{"status.nosuch()", 1, "does not compile"},
		{strings.Repeat("(", 3000) + "1" + strings.Repeat(")", 3000), 1, "longer than 4096"},
	} {
		t.Run(test.expression[:min(60, len(test.expression))], func(t *testing.T) {
			p, err := fhirpath.Compile(test.expression)
			var refusal *fhirpath.Refusal
			if !errors.As(err, &refusal) || p != nil {
				t.Fatalf("got %v, want a *Refusal", err)
			}
			if refusal.Column != test.column || !strings.Contains(refusal.Problem, test.problem) {
				t.Errorf("got %v, want column %d and %q", err, test.column, test.problem)
			}
		})
	}
}
