package pipeline

import (
	"context"
	"encoding/json"
)

// refer puts the server's references in place of the identifiers of what was created before: the conversation that a message
// is part of, and what the resource answers or is about. What was not created keeps its identifier.
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
