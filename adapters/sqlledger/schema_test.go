package sqlledger_test

import (
	"errors"
	"testing"

	"fhirbridge/adapters/sqlledger"
	"fhirbridge/pipeline"
)

// TestOtherSchema: a ledger that was made by another schema is refused, and is as it was afterwards.
func TestOtherSchema(t *testing.T) {
	for name, statement := range map[string]string{
		"whose text was another":       "UPDATE lock SET value = x'00' WHERE name = 'schema/0001_ledger.sql'",
		"from before texts were known": "DELETE FROM lock WHERE name = 'schema/0001_ledger.sql'",
		"that has more steps":          "INSERT INTO migration (name) VALUES ('schema/9999_later.sql')",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := openFile(t, dir)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			execute(t, dir, statement)
			for range 2 { // the first leaves no lock behind, and makes nothing of it its own
				l, err := sqlledger.New(config(t, dir))
				if err == nil {
					_ = l.Close()
					t.Fatal("it was opened")
				}
				var e *pipeline.Error
				if !errors.As(err, &e) || e.Kind != pipeline.Refused || e.Reason != "other_schema" {
					t.Errorf("got %v, want it Refused, other_schema", err)
				}
			}
		})
	}
}
