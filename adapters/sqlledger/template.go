package sqlledger

import (
	"context"
	"sync"

	"fhirbridge/pipeline"
)

// Templates keeps by which templates the provider sends nothing now. It is
// durable: what was stopped before a restart is stopped after it. It answers from memory.
type Templates struct {
	ledger *Ledger
	mu     sync.Mutex
	last   map[template]word
}

type template struct{ name, language string }

type word struct {
	status pipeline.TemplateStatus
	at     int64
}

var _ pipeline.TemplateStates = (*Templates)(nil)

// Templates reads what is kept. All of one ledger's words go through one Templates.
func (l *Ledger) Templates(ctx context.Context) (*Templates, error) {
	t := &Templates{ledger: l, last: map[template]word{}}
	err := l.view(ctx, func(c *conn) error {
		return c.query(func(r row) error {
			t.last[template{r.text(0), r.text(1)}] = word{pipeline.TemplateStatus(r.text(2)), r.number(3)}
			return nil
		}, "SELECT name, language, status, at FROM template")
	})
	return t, err
}

// Paused implements pipeline.TemplateStates.
func (t *Templates) Paused(_ context.Context, name, language string) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last[template{name, language}].status.Stops(), nil
}

// AnyPaused implements pipeline.TemplateStates. There are as many words as a pause or an approval was told of.
func (t *Templates) AnyPaused() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range t.last {
		if w.status.Stops() {
			return true
		}
	}
	return false
}

// Note implements pipeline.TemplateStates. What it returns of is on disk.
func (t *Templates) Note(ctx context.Context, u pipeline.TemplateUpdate) (changed bool, err error) {
	if !u.Status.Stops() && !u.Status.Frees() {
		return false, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	of, now := template{u.Name, u.Language}, word{u.Status, micros(u.At)}
	before := t.last[of]
	if now.at < before.at || now == before {
		return false, nil
	}
	err = t.ledger.writer.do(ctx, func(x *tx) error {
		_, err := x.exec(`INSERT INTO template (name, language, status, at) VALUES (?, ?, ?, ?)
			ON CONFLICT (name, language) DO UPDATE SET status = excluded.status, at = excluded.at`, of.name, of.language, string(now.status), now.at)
		return err
	})
	if err != nil {
		return false, err
	}
	t.last[of] = now
	return before.status.Stops() != now.status.Stops(), nil
}
