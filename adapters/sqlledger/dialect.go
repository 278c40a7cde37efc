package sqlledger

import "strings"

// dialect is all in which databases would differ for this package; there is one, SQLite's. The SQL itself is
// written once, with "?" for parameters; it uses ON CONFLICT, RETURNING-free
// inserts with ids of its own, and partial indexes, which SQLite and PostgreSQL
// both have.
type dialect struct {
	// begin starts a transaction that will write.
	begin string
	// words replaces the words in braces of the schema: {id} is the type of a primary
	// key that is a number, {blob} that of bytes, {clustered} ends a table that
	// is stored in the order of its primary key.
	words *strings.Replacer
	// bind rewrites "?" into the database's parameters; nil leaves them.
	bind func(string) string
	// writer and reader are run on each new connection of the kind.
	writer, reader []string
	// log is what is added to the path for the file whose sync makes commits durable; ""
	// if COMMIT itself waits for the disk.
	log string
	// checkpoint moves what is committed into the main file beside the writer; restart
	// does so in the writer's place, and lets the log begin anew; truncate ends it.
	checkpoint, restart, truncate string
}

// sqlite is https://www.sqlite.org/lang.html.
//
// What synchronous=FULL adds to NORMAL in WAL mode is one sync of the log inside
// each COMMIT. The writer makes that very sync itself, outside of the transaction and before it
// answers, so that the next group does not wait for the disk. What is promised is
// the same: https://www.sqlite.org/pragma.html#pragma_synchronous
//
// The page cache is small on purpose: SQLite walks all of it at the end of each
// transaction that has split a page, and what misses it is in the cache of the
// operating system. Checkpoints are made beside the writer (checkpoint.go).
//
// The log keeps its size when it begins anew, a little above logPages: syncing a file that
// grows takes twice as long as one that is written over.
func sqlite() dialect {
	return dialect{
		begin: "BEGIN IMMEDIATE",
		words: strings.NewReplacer("{id}", "INTEGER PRIMARY KEY", "{blob}", "BLOB", "{clustered}", "WITHOUT ROWID"),
		writer: []string{
			"busy_timeout(10000)", "journal_mode(wal)", "synchronous(normal)", "foreign_keys(on)", "temp_store(memory)",
			"cache_size(-16000)", "wal_autocheckpoint(0)", "journal_size_limit(100663296)",
		},
		reader: []string{
			"busy_timeout(10000)", "query_only(on)", "temp_store(memory)", "cache_size(-4000)", "wal_autocheckpoint(0)",
		},
		log:        "-wal",
		checkpoint: "PRAGMA wal_checkpoint(PASSIVE)",
		restart:    "PRAGMA wal_checkpoint(RESTART)",
		truncate:   "PRAGMA wal_checkpoint(TRUNCATE)",
	}
}
