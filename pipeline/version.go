package pipeline

import (
	"bytes"
	"strconv"
	"time"
)

// Freshness is how an incoming version stands to the kept one.
type Freshness int

const (
	// Newer versions are taken.
	Newer Freshness = iota
	// Same is a repetition.
	Same
	// Older came too late.
	Older
)

// String returns newer, same or older.
func (f Freshness) String() string { return [...]string{"newer", "same", "older"}[f] }

// Stamp is what tells versions of one resource apart.
type Stamp struct {
	Version     string
	LastUpdated time.Time
	// Digest is a digest of the resource's bytes.
	Digest []byte
	// Recorded is the time of the record that brought it.
	Recorded time.Time
}

// Compare says how incoming stands to kept, for the same resource.
// Version ids are compared as numbers when both are decimal integers; else
// lastUpdated decides, then equal bytes are the same, then the time of the record
// decides. What nothing tells apart is taken.
// https://hl7.org/fhir/R4/resource.html#metadata
func Compare(kept, incoming Stamp) Freshness {
	if kept.Version != "" && kept.Version == incoming.Version {
		return Same
	}
	if a, errA := strconv.ParseUint(kept.Version, 10, 64); errA == nil {
		if b, errB := strconv.ParseUint(incoming.Version, 10, 64); errB == nil && a != b {
			return order(a < b)
		}
	}
	if !kept.LastUpdated.IsZero() && !incoming.LastUpdated.IsZero() && !kept.LastUpdated.Equal(incoming.LastUpdated) {
		return order(kept.LastUpdated.Before(incoming.LastUpdated))
	}
	if len(kept.Digest) > 0 && bytes.Equal(kept.Digest, incoming.Digest) {
		return Same
	}
	if !kept.Recorded.IsZero() && !incoming.Recorded.IsZero() && !kept.Recorded.Equal(incoming.Recorded) {
		return order(kept.Recorded.Before(incoming.Recorded))
	}
	return Newer
}

func order(newer bool) Freshness {
	if newer {
		return Newer
	}
	return Older
}

// versionOf returns what makes this version of the resource different from others.
func versionOf(ev Event) string {
	if ev.Version != "" {
		return ev.Version
	}
	if !ev.LastUpdated.IsZero() {
		return ev.LastUpdated.UTC().Format(time.RFC3339Nano)
	}
	if ev.Source.Topic != "" {
		return ev.Source.String() // the same for ever, also when the topic is read again
	}
	return ""
}
