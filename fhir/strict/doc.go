// Package strict validates resources against FHIR R4 with google/fhir: JSON
// types, unknown elements, required elements, codes of required bindings,
// formats of primitives, types of references; and on top of it the invariants
// app-1 to app-4 of Appointment, which google/fhir does not know.
//
// It is for what the bridge writes, and to explain what it refused. It is not for
// the hot path: it costs many times what fhir.Decode costs, and it refuses what
// real feeds hold. It stands apart from package fhir because it links 25 MB.
//
// A Memory does the same for what the bridge writes, of which much is alike, in a thirtieth of the time.
//
// It does not know profiles, other invariants, empty strings or dangling "#id".
//
// It promises that a finding holds no value of the input, that nothing in the
// input makes it panic, and that it may be called from many goroutines.
package strict
