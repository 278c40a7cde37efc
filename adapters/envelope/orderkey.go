package envelope

import "fhirbridge/fhir"

// OrderKey returns what the records of a partition must not overtake: those with
// the same order key are to be handled one after the other. It is the record's
// key, as the producer meant it; without one, as many feeds send, it is the
// resource that the record is. It is "" for an unkeyed record of several
// resources: that one waits for nothing, and versions tell what is newer.
func OrderKey(key, value []byte) string {
	if len(key) > 0 {
		return string(key)
	}
	h, err := fhir.Peek(value)
	if err != nil || h.ID == "" || h.Type == "Bundle" {
		return ""
	}
	return h.Ref()
}
