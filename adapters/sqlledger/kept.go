package sqlledger

import (
	"context"

	"fhirbridge/pipeline"
)

// Kept implements pipeline.Ledger.
func (l *Ledger) Kept(ctx context.Context, resourceType, after string, limit int) (list []pipeline.KeptResource, err error) {
	begin, end := resourceType+"/", resourceType+"0" // what comes after "/"
	err = l.view(ctx, func(c *conn) error {
		list = nil
		return c.query(func(r row) error {
			ref := r.text(8)
			body, err := l.seal.open("resource", ref, r.bytes(9))
			list = append(list, pipeline.KeptResource{Ref: ref, Versioned: pipeline.Versioned{Resource: body, Version: resourceOf(r).version()}})
			return err
		}, "SELECT "+resourceColumns+", r.ref, r.body FROM resource r WHERE r.ref > ? AND r.ref < ? AND r.deleted = 0 AND r.body IS NOT NULL ORDER BY r.ref LIMIT ?",
			max(begin, after), end, int64(limit))
	})
	return list, err
}
