// Package envelope takes FHIR events out of Kafka records, whatever shape an
// EHR or an interface engine puts them in: a bare resource, a Bundle, several of
// either on lines of their own, or a tombstone.
//
// It is for finding where resources begin and end, which resource each of them
// is, in which version, and what the envelope says happened to it. It is not for
// reading resources (package fhir), nor for deciding what an event means: an
// event of a type that nobody reads is returned like any other, if FHIR R4 has that type.
//
// What it promises:
//
//   - A resource leaves as it came: Event.Resource is a part of the record's own
//     bytes, which nobody may change afterwards. There is one exception. A resource without
//     id whose envelope names it (response.location, request.url, fullUrl)
//     gets that id as its last member, so that it knows its own name.
//   - A faulty part of a record does not hide its sound parts. Each fault is a
//     *pipeline.Error of kind Malformed with a reason of the list below and an
//     element path. No error holds a byte of the record.
//   - Events come in an order in which they can be handled: patients, places and
//     people before appointments and reports, and of one resource the oldest
//     version first.
//   - Nothing is guessed. The operation is known only where the shape says it, a
//     resource without id is Malformed, because a repetition of it could not be told
//     from another one.
//   - Time and memory grow with the size of the record, however it is nested.
//
// A new shape is a file and a line in the table in envelope.go.
package envelope
