package main

import (
	"errors"

	"fhirbridge/adapters/sqlledger"
	"fhirbridge/pipeline"
)

// ledger looks at the ledger without opening it for work.
func (x *examination) ledger() {
	found, err := sqlledger.Inspect(x.config.Ledger)
	var e *pipeline.Error
	switch {
	case errors.As(err, &e) && e.Reason == "other_schema":
		x.fail("ledger", "another version of the bridge made it", "start with a new file, or with that version")
	case errors.As(err, &e):
		x.fail("ledger", said(err), "see ledger.url: it is no ledger, or cannot be read")
	case err != nil:
		x.fail("ledger", err.Error(), "see ledger.url and ledger.key_file")
	case found.New:
		x.ok("ledger", "there is none yet; the first start makes it")
	case found.InUse:
		x.ok("ledger", "the key fits, the schema is this version's; a bridge works with it")
	default:
		x.ok("ledger", "the key fits, the schema is this version's")
	}
	if x.config.Ledger.Plaintext {
		x.warn("ledger", "patient data in it is not encrypted", "give it a key: bridge keygen, and ledger.key_file")
	}
}
