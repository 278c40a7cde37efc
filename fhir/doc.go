// Package fhir is the part of FHIR R4 (4.0.1) that the bridge reads and writes.
//
// It is for: looking into a resource without decoding it (Peek), reading what
// messages need out of a resource (Decode and the typed views), building the
// resources that the bridge owes to the EHR (the drafts: CommunicationDraft,
// TaskDraft …), and changing those that are the EHR's (the patches:
// ParticipantPatch, StatusPatch, SlotPatch, CommunicationRequestPatch). It is a
// leaf: no I/O, no clock, no other package of this module.
//
// It is not for: full validation (package strict), FHIRPath, or writing back a
// resource that was read. A typed view loses what it does not know, so a
// resource is only ever changed by a patch.
//
// What it promises:
//
//   - Decode keeps the input: Raw returns the very bytes, uncopied. Neither side
//     may change them afterwards.
//   - What is read is checked: a status that is missing or unknown, an instant
//     without offset, a reference that is none, an Appointment that breaks app-1
//     to app-4 is an *Error with an element path and a fixed rule word.
//     What is not read may be wrong, new or unknown, and is passed over, unless STU3 or
//     R5 says there what R4 says in an element that is read.
//   - No error holds a value of the input. A resource cannot print itself: every
//     formatting verb gives "Type/id".
//   - Views are immutable after Decode and safe for concurrent use. Slices that
//     they return belong to them.
//
// The views are built on the method-free twins of samply's models
// (OtherAppointment and so on), whose outer fields shadow what samply reads
// wrongly: codes whose absence reads as a real code, contained resources and
// primitive extensions that vanish, choices that are written three times.
// encoding/json matches names without regard to case; the members of a resource
// that the views read are held to their exact spelling, those of nested
// elements (participant.Status) are not.
package fhir
