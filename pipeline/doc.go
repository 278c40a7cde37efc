// Package pipeline says when things happen, in which order, and what survives
// a crash. It knows FHIR and messages; it knows no Kafka client, no provider
// and no database: those implement its ports (ports.go, ledger.go).
//
//	                      intake                           dispatch
//	Kafka  EHR events  ─────────────▶ ┌────────────┐ ─────────────────▶  WhatsApp
//	                                  │   ledger   │                        │
//	FHIR server      ◀─────────────── └────────────┘ ◀───────── Kafka ◀── webhook
//	Kafka communications  write-back                 inbound
//
// Four lanes, one file each, around one durable ledger:
//
//   - intake: FHIR events on Kafka → ledger. One transaction keeps the newer
//     version and updates the plan; then the offset is committed. A stale or
//     repeated event changes nothing.
//   - dispatch: due notifications in the ledger → the channel. An attempt is
//     durable before it is posted; an unknown outcome is settled by the
//     provider's status. Only if none comes within the grace period is it sent
//     once more, or held for a person, as its step says.
//   - inbound: raw webhook updates on Kafka → ledger. Each reply and receipt
//     is understood once.
//   - write-back: pending writes in the ledger → FHIR server and Kafka topic.
//     Each resource is created once, in order per patient, retried until it is taken. A sink that is
//     down is asked by one write at a time, and when it is back, by twice as many in each round.
//
// Each lane starts from something durable and ends in something durable, and
// none waits for another. A crash repeats at most one step, and every step is
// safe to repeat.
//
// Lanes log, adapters return errors. What is logged are keys, references,
// provider message ids, reasons and times; never a resource, a number or a word.
package pipeline
