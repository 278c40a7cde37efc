package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// outcomeUnclear is of a write of which nobody knows whether it has happened.
const outcomeUnclear = "unclear"

// create creates what is owed, as the server's profile has it. It is given up where the server would not let it be
// recognised again, an earlier try has ended in silence, and the profile knows no way to look.
func (b *WriteBack) create(ctx context.Context, w Write, body []byte) (done WriteResult, more []Write, err error) {
	done.Unclear = !w.Begun.IsZero() // until it is found out
	kind, shaped, err := b.Shape.of(w.Type, w.Key, body)
	if err != nil || shaped == nil {
		done.Unasked = true
		return done, nil, err
	}
	if len(shaped) != len(body) || &shaped[0] != &body[0] {
		if err := b.check(shaped); err != nil {
			return done, nil, err
		}
	}
	if kind != "Communication" || !b.Shape.Profile.Communication.Unidentified {
		done.Unclear = false // it is recognised by its identifier
		done.Ref, err = b.Server.Create(ctx, shaped, w.IfNoneExist)
		return done, nil, err
	}
	if !w.Begun.IsZero() && w.Type != "Task" { // people who are asked twice do no harm
		ref, err := b.recognise(ctx, w, shaped)
		if ref != "" || err != nil {
			done.Ref, done.Unclear = ref, err != nil
			if ReasonOf(err) == outcomeUnclear && KindOf(err) == Refused && w.Type == "Communication" {
				more = b.Ladder.Filing.doubtful(w, b.Now())
			}
			return done, more, err
		}
	}
	done.Unclear = false
	if b.breaker.doubtful() { // nothing is posted into an outage, for each would need a person
		if err := b.Server.Ping(ctx); err != nil {
			return done, nil, err
		}
	}
	if err := b.Ledger.BeginWrite(ctx, w.Key, b.Now()); err != nil {
		return done, nil, err
	}
	done.Ref, err = b.Server.Post(ctx, shaped)
	var e *Error
	done.Unclear = err != nil && (!errors.As(err, &e) || e.Unknown)
	return done, nil, err
}

// recognise looks for what an earlier try may have created. Nothing found is believed, and the write repeated, only when
// the search was asked late enough for what was on its way to have come; see docs/profiles.md.
func (b *WriteBack) recognise(ctx context.Context, w Write, body []byte) (string, error) {
	p := b.Shape.Profile.Communication
	query := b.Shape.condition(body, w.Begun.Add(-sinceMargin).UTC().Format(time.RFC3339))
	if query == "" {
		return "", &Error{Op: "writeback.recognise", Kind: Refused, Reason: outcomeUnclear}
	}
	if wait := w.Begun.Add(p.Settle).Sub(b.Now()); wait > 0 {
		return "", &Error{Op: "writeback.recognise", Kind: Transient, Reason: outcomeUnclear, After: wait}
	}
	found, err := b.Server.Search(ctx, "Communication", query)
	if _, final := refusal(err); final {
		return "", &Error{Op: "writeback.recognise", Kind: Refused, Reason: outcomeUnclear}
	} else if err != nil {
		return "", err
	}
	for _, v := range found {
		var c struct {
			ID    string
			Topic struct{ Text string }
		}
		if json.Unmarshal(v.Resource, &c) == nil && c.ID != "" && strings.HasSuffix(c.Topic.Text, mark(w.Key)) {
			return "Communication/" + c.ID, nil
		}
	}
	return "", nil
}

// sinceMargin is for the server's clock, by which it is searched.
const sinceMargin = 10 * time.Minute
