package pipeline

import (
	"context"

	"fhirbridge/fhir"
)

// Amend does a write that changes what is there already. An error is Transient or Throttled, or Malformed for a write
// that is none of these.
func (b *WriteBack) Amend(ctx context.Context, w Write) error {
	switch w.Kind {
	case WriteFollow:
		return b.follow(ctx, w)
	case WriteRequest:
		return b.answerRequest(ctx, w)
	}
	return &Error{Op: "writeback.amend", Kind: Malformed, Reason: "unknown_kind"}
}

// follow brings the record of a message to what has become of it. Where the record was given up, this waits for a person with it.
func (b *WriteBack) follow(ctx context.Context, w Write) error {
	want := []byte(w.Body.Reveal())
	if len(want) == 0 {
		return &Error{Op: "writeback.follow", Kind: Malformed, Reason: "not_built"}
	}
	if b.unchangeable(w.Type) {
		return nil
	}
	ref, err := b.Ledger.Written(ctx, w.Answers)
	if err != nil {
		return err
	}
	if ref == "" { // it stands before this in the queue
		return &Error{Op: "writeback.follow", Kind: Refused, Reason: string(ReasonNotCreated)}
	}
	return b.amend(ctx, w, ref, func(now Versioned) ([]byte, bool, error) {
		return fhir.CommunicationPatch(now.Resource, want)
	})
}

// unchangeable reports whether the server is known to let nobody change resources of a type.
func (b *WriteBack) unchangeable(typ string) bool {
	return len(b.ways.of(typ, b.Server.Declared(typ), b.Now())) == 0
}

// amend changes a resource with If-Match to what build wants of it as it is now. On a conflict it reads again. What the
// server does not take, and what build says that people have changed, is left as it is: only a record lacks
// something then, and no patient's word is lost. An error is Transient or Throttled.
func (b *WriteBack) amend(ctx context.Context, w Write, ref string, build func(now Versioned) (patch []byte, changed bool, err error)) error {
	if b.unchangeable(w.Type) {
		return nil
	}
	for range conflicts {
		now, err := b.Server.Read(ctx, ref)
		if err != nil {
			return b.leave(w, "read", err)
		}
		patch, changed, err := build(now)
		if err != nil {
			return b.leave(w, "build", malformed("writeback.amend", err))
		}
		if !changed {
			return nil
		}
		if err := Validate(b.Validate).patch("writeback.validate", now, patch); err != nil {
			return b.leave(w, "validate", err)
		}
		_, err = b.ways.make(ctx, b.Server, change{ref, now, patch}, b.Now(), b.Log)
		switch code, _ := refusal(err); {
		case code == "409" || code == "412":
			continue
		case err != nil:
			return b.leave(w, "change", err)
		}
		return nil
	}
	return &Error{Op: "writeback.amend", Kind: Transient, Reason: reasonConflict}
}

// leave hands on what may pass, and logs what is final.
func (b *WriteBack) leave(w Write, step string, err error) error {
	if _, final := refusal(err); !final {
		return err
	}
	b.Log.Warn("not amended: the resource stays as it is", "write", w.Key, "type", w.Type, "step", step, "error", err)
	return nil
}
