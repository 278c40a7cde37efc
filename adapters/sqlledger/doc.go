// Package sqlledger is the bridge's ledger in SQL: what is known, what is
// planned, what was sent, what was answered and what is owed to the chart.
//
// It is for one program instance with SQLite. The SQL is written so that
// PostgreSQL could take it, too, and what databases differ in is in dialect.go;
// but that knows SQLite alone, and nothing here has run on another. It is not a
// place for rules: which version is newer, what is wanted and what an answer
// means is decided by package pipeline and its callbacks.
//
// What it promises:
//
//   - A method that changes something returns when the change is on disk: the
//     write-ahead log has been synced after its commit. Calls that wait at the same
//     time share one transaction and one sync; a call that fails, or whose callback
//     panics, undoes itself only. If a sync ever fails, all later changes fail until
//     the program is started again.
//   - Patient data (resources, facts, numbers, words, bodies of writes, parked
//     events, the provider's ids of persons and messages) is stored encrypted:
//     AES-256-GCM, each value bound to its row. Numbers and such ids are found by a
//     keyed digest. In the clear are references, keys, states, reasons, times, and
//     the ids of attempts.
//   - One process works with a ledger file. A second one is refused (lock.go).
//   - Reading never waits for writing, and memory does not grow with the backlog.
//
// Leases live in memory: they end with the process, and so does what they
// guarded, because nothing is sent before Begin has made an attempt durable.
//
// How it works: every changing call is a function that one goroutine, the
// writer, runs in a transaction with all others that wait (writer.go). It speaks
// to the driver without database/sql, whose per-statement cost would be most of
// the time of a group. Encryption happens before and after, in the caller.
package sqlledger
