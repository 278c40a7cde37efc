package pipeline

import (
	"context"
	"encoding/json"
)

// outcomeBehind is of a write that waits for the one that it refers to.
const outcomeBehind = "behind_another"

// refer puts the server's references in place of the identifiers of what was created before: the conversation that a message
// is part of, and what the resource answers or is about. What was not created keeps its identifier.
// A record that is made once and for all waits for what it names, unless that was given up.
func (b *WriteBack) refer(ctx context.Context, w Write, members map[string]json.RawMessage) error {
	answers := "inResponseTo"
	if w.Type == "Task" {
		answers = "focus"
	}
	for _, r := range []struct{ element, key string }{{"partOf", w.Thread}, {answers, w.Answers}} {
		if r.key == "" {
			continue
		}
		ref, err := b.Ledger.Written(ctx, r.key)
		if err != nil {
			return err
		}
		if ref == "" && w.Kind == WriteFinal { // it stands in another queue, and is written once
			if owed, err := b.Ledger.Owed(ctx, r.key); err != nil {
				return err
			} else if owed {
				return &Error{Op: "writeback.refer", Kind: Transient, Reason: outcomeBehind}
			}
		}
		if ref == "" {
			continue
		}
		one := map[string]string{"reference": ref}
		if r.element == "focus" { // R4 has one there, and several in the others
			members[r.element], _ = json.Marshal(one)
			continue
		}
		members[r.element], _ = json.Marshal([]map[string]string{one})
	}
	return nil
}
