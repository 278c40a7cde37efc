package sqlledger_test

import (
	"testing"
	"time"

	"fhirbridge/adapters/sqlledger"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/porttest"
)

func TestTemplates(t *testing.T) {
	porttest.TemplateStates(t, func(t *testing.T) pipeline.TemplateStates {
		return templates(t, openFile(t, t.TempDir()))
	})
}

// TestTemplatesAfterARestart: what the provider has stopped stays stopped.
func TestTemplatesAfterARestart(t *testing.T) {
	dir := t.TempDir()
	l := openFile(t, dir)
	stopped := pipeline.TemplateUpdate{Name: "reminder", Language: "de", Status: pipeline.TemplatePaused, At: time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)}
	if _, err := templates(t, l).Note(t.Context(), stopped); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again := templates(t, openFile(t, dir))
	if paused, err := again.Paused(t.Context(), "reminder", "de"); err != nil || !paused {
		t.Errorf("paused: got %v, %v, want true", paused, err)
	}
	older := stopped
	older.Status, older.At = pipeline.TemplateApproved, stopped.At.Add(-time.Minute)
	if changed, err := again.Note(t.Context(), older); err != nil || changed {
		t.Errorf("an older word: got %v, %v, want false", changed, err)
	}
}

func templates(t *testing.T, l *sqlledger.Ledger) *sqlledger.Templates {
	t.Helper()
	states, err := l.Templates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return states
}
