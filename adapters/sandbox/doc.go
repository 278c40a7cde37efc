// Package sandbox is the outside world on one machine: a Kafka broker, a
// WhatsApp Cloud API with the phones behind it, which speaks tyntec's Conversations
// API instead where that is wanted, also for SMS, and a FHIR R4 server. Each
// speaks its real protocol on a real loopback socket, so that the program meets
// in the demo, in tests and in benchmarks what it meets in a hospital.
//
// It is for `bridge demo`, for the tests of other packages and for benchmarks.
// It is not for production, and not a model of everything those systems do:
// what it serves, it serves with the checks of the real ones and refuses what
// they refuse; what it does not serve, it refuses too. Of WhatsApp it leaves out
// groups, flows, contact cards, calls, catalogues, business-scoped ids as
// recipients, identity hashes, and of template management deletion and media
// headers; of FHIR it leaves out transactions, includes, XML and profiles.
//
// It promises:
//
//   - Whatever was accepted is remembered until Close, unless the caller asked
//     it to forget (Lean). Nothing is written to disk except by a Broker with a
//     DataDir. So it outlives a killed Bridge as long as it is in another process.
//   - Faults are the caller's to order, per request, and happen exactly as ordered.
//   - All methods may be called from any goroutine. Close ends all that was started.
//
// Patients' words are plain strings here, unlike everywhere else: this package
// stands for the screens and charts on which they are shown, and holds synthetic
// data only. It writes no logs.
package sandbox
