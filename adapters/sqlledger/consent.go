package sqlledger

import (
	"context"
	"strings"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// consentOf returns the patient of a Consent; "" of anything else.
func consentOf(ref string, body []byte) string {
	if body == nil || !strings.HasPrefix(ref, "Consent/") {
		return ""
	}
	decoded, err := fhir.Decode(body)
	if err != nil {
		return ""
	}
	if c, ok := decoded.(*fhir.Consent); ok {
		return c.Patient().String()
	}
	return ""
}

// consents remembers that there is a Consent of a patient. It stays when that is no longer so: whoever asks looks.
func consents(t *tx, ref, patient string) error {
	if patient == "" {
		return nil
	}
	_, err := t.exec("INSERT INTO consent (patient, ref) VALUES (?, ?) ON CONFLICT (patient, ref) DO NOTHING", patient, ref)
	return err
}

// Consents implements pipeline.Ledger.
func (l *Ledger) Consents(ctx context.Context, patient string) (list []pipeline.Versioned, err error) {
	err = l.view(ctx, func(c *conn) error {
		list, err = l.consentsOf(c, patient)
		return err
	})
	return list, err
}

func (l *Ledger) consentsOf(c *conn, patient string) (list []pipeline.Versioned, err error) {
	err = c.query(func(r row) error {
		kept := resourceOf(r)
		body, err := l.seal.open("resource", r.text(8), r.bytes(9))
		if err == nil && consentOf(r.text(8), body) == patient {
			list = append(list, pipeline.Versioned{Resource: body, Version: kept.version()})
		}
		return err
	}, "SELECT "+resourceColumns+", r.ref, r.body FROM consent k JOIN resource r ON r.ref = k.ref WHERE k.patient = ? AND r.deleted = 0 ORDER BY k.ref", patient)
	return list, err
}

// lifted reports whether the Consents of everybody whom a reply may be about lift the STOP of the number.
func (l *Ledger) lifted(t *tx, thread pipeline.Thread, who caller) (bool, error) {
	patients := thread.Patients
	if thread.Sent != nil {
		patients = []string{thread.Sent.Notification.Patient}
	}
	for _, patient := range patients {
		kept, err := l.consentsOf(t.conn, patient)
		if err != nil || !pipeline.NewestConsent(kept, t.now).Lifts(who.word) {
			return false, err
		}
	}
	return len(patients) > 0, nil
}
