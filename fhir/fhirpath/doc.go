// Package fhirpath evaluates the paths that an engineer writes into the
// configuration for fields and conditions beyond the vocabulary of journeys
// (http://hl7.org/fhirpath/N1, https://hl7.org/fhir/R4/fhirpath.html).
//
// It is for a handful of short paths over one resource, compiled at start and
// evaluated only for journeys that have them: parsing a resource costs ten times
// what fhir.Decode costs. It is not for several resources at once: it neither
// resolves references nor asks a terminology server. It stands apart from package
// fhir because the libraries below it link 27 MB and take 40 MB of memory and 50 ms
// at start: who does not import it does not pay.
//
// What it promises:
//
//   - Compile refuses what the library below compiles and then gets wrong, panics
//     over, or never ends with, and says where and what to write instead.
//   - Nothing in a resource makes it panic, and no error holds a value of it.
//   - The time is the caller's: now() and today() give what they are told.
//   - A path rooted at another type ("Patient.name" on an Appointment) is an error,
//     and not silently empty. Neither is a condition true because it is something:
//     it is true, false, empty (which is false), or an error.
//   - Paths and resources may be used from many goroutines at once.
//
// What it leaves to the examples of a journey: the elements of a path are not
// checked before there is a resource, and a comparison of dates of different
// precision is empty.
package fhirpath
