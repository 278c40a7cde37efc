package sqlledger

import (
	"context"
	"strings"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// actsFor returns the patient of a RelatedPerson; "" of anything else.
func actsFor(ref string, body []byte) string {
	if body == nil || !strings.HasPrefix(ref, "RelatedPerson/") {
		return ""
	}
	decoded, err := fhir.Decode(body)
	if err != nil {
		return ""
	}
	if r, ok := decoded.(*fhir.RelatedPerson); ok {
		return r.Patient().String()
	}
	return ""
}

// relate remembers that a person acts for a patient. It stays when that is no longer so: whoever asks looks.
func relate(t *tx, person, patient string) error {
	if patient == "" {
		return nil
	}
	_, err := t.exec("INSERT INTO kin (patient, person) VALUES (?, ?) ON CONFLICT (patient, person) DO NOTHING", patient, person)
	return err
}

// RelatedPersons implements pipeline.Ledger.
func (l *Ledger) RelatedPersons(ctx context.Context, patient string) (list []pipeline.Related, err error) {
	err = l.view(ctx, func(c *conn) error {
		list = nil
		return c.query(func(r row) error {
			kept := resourceOf(r)
			body, err := l.seal.open("resource", r.text(8), r.bytes(9))
			if err == nil && actsFor(r.text(8), body) == patient {
				list = append(list, pipeline.Related{
					Versioned: pipeline.Versioned{Resource: body, Version: kept.version()}, Fetched: kept.source == fromServer,
				})
			}
			return err
		}, "SELECT "+resourceColumns+", r.ref, r.body FROM kin k JOIN resource r ON r.ref = k.person WHERE k.patient = ? AND r.deleted = 0 ORDER BY k.person", patient)
	})
	return list, err
}
