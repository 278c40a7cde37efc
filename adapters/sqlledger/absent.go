package sqlledger

import (
	"time"

	"fhirbridge/pipeline"
)

// absent keeps that the provider has called a number one that is not on WhatsApp.
func (l *Ledger) absent(t *tx, address pipeline.Private, at time.Time) error {
	_, err := t.exec(`INSERT INTO sender (number, heard_at, absent_at) VALUES (?, 0, ?)
		ON CONFLICT (number) DO UPDATE SET absent_at = CASE WHEN excluded.absent_at > sender.absent_at THEN excluded.absent_at ELSE sender.absent_at END`,
		l.seal.blind(address), micros(at))
	return err
}
