package pipeline_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/porttest"
)

// word is a word on the template "reminder" in German.
func word(status pipeline.TemplateStatus, minute int) pipeline.TemplateUpdate {
	return pipeline.TemplateUpdate{Name: "reminder", Language: "de", Status: status, At: recordTime.Add(time.Duration(minute) * time.Minute)}
}

func TestTemplateMemory(t *testing.T) {
	porttest.TemplateStates(t, func(*testing.T) pipeline.TemplateStates { return &templateMemory{} })
}

func TestTemplateLanguage(t *testing.T) {
	for given, want := range map[string]string{"de": "de", "DE": "de", "pt-BR": "pt_BR", "pt_br": "pt_BR", "zh_cn": "zh_CN", "": ""} {
		if got := pipeline.TemplateLanguage(given); got != want {
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
}

// states are TemplateStates that fail.
type states struct {
	pipeline.TemplateStates
	err error
}

func (s states) Paused(context.Context, string, string) (bool, error) { return false, s.err }

func (states) AnyPaused() bool { return true }

func (s states) Note(context.Context, pipeline.TemplateUpdate) (bool, error) { return false, s.err }

func TestGateTemplate(t *testing.T) {
	paused := &templateMemory{}
	if _, err := paused.Note(t.Context(), pipeline.TemplateUpdate{Name: "reminder", Language: "pt_BR", Status: pipeline.TemplatePaused}); err != nil {
		t.Fatal(err)
	}
	by := func(name, language string, err error) func() (string, string, error) {
		return func() (string, string, error) { return name, language, err }
	}
	down := transient("disk_full")
	cases := []struct {
		name     string
		states   pipeline.TemplateStates
		template func() (string, string, error)
		want     pipeline.Verdict
		err      error
	}{
		{"a free template", paused, by("booked", "pt_BR", nil), pipeline.Verdict{}, nil},
		{"a free language", paused, by("reminder", "en", nil), pipeline.Verdict{}, nil},
		{"the paused one", paused, by("reminder", "pt_BR", nil), pipeline.Verdict{Hold: pipeline.ReasonPaused}, nil},
		{"the paused one, spelt otherwise", paused, by("reminder", "pt-br", nil), pipeline.Verdict{Hold: pipeline.ReasonPaused}, nil},
		{"no template", states{err: down}, by("", "", nil), pipeline.Verdict{}, nil},
		{"nobody can tell", states{err: down}, nil, pipeline.Verdict{}, nil},
		{"no words", paused, by("", "", down), pipeline.Verdict{}, down},
		{"no states", states{err: down}, by("reminder", "de", nil), pipeline.Verdict{}, down},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := pipeline.GateTemplate{States: c.states}.Admit(t.Context(), pipeline.Candidate{Template: c.template})
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("got %+v, %v, want %+v, %v", got, err, c.want, c.err)
			}
		})
	}
}

// byTemplate composes what sayKey composes, as the template "reminder".
func byTemplate(n pipeline.Notification, f pipeline.Facts, attempt string) (pipeline.Composed, error) {
	c, err := sayKey(n, f, attempt)
	c.Message.Template, c.Message.Language = &pipeline.Template{Name: "reminder"}, "de"
	return c, err
}

func TestDispatchHoldsWhatAPausedTemplateWouldSay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := dueNow("late")
		late.Expires = late.Due.Add(12 * time.Minute)
		k, p := newDesk(dueNow("n1"), late), &posts{}
		d := dispatching(t, k, p.failing())
		d.Journeys = &journeys{compose: byTemplate}
		metrics, counted := newMetrics(t)
		templates := &templateMemory{}
		d.Gates = append(d.Gates, pipeline.GateTemplate{States: templates, Metrics: metrics})
		note := func(status pipeline.TemplateStatus) {
			u := word(status, 0)
			u.At = time.Now()
			if _, err := templates.Note(t.Context(), u); err != nil {
				t.Fatal(err)
			}
		}
		note(pipeline.TemplatePaused)
		stop := start(d.Run)
		pass(14 * time.Minute)
		same(t, "posts while paused", len(p.texts()), 0)
		same(t, "settled while paused", k.states(), []string{"late expired expired"})
		held := k.given()
		if len(held) < 4 || len(held) > 8 {
			t.Errorf("put off %d times in 14 minutes, want each every 5 minutes", len(held))
		}
		for _, g := range held {
			same(t, "reason", g.why, pipeline.ReasonPaused)
			if g.key == "late" && g.due.After(late.Expires) {
				t.Errorf("%s is put off beyond its end", g.key)
			}
		}
		if !strings.Contains(counted(), "bridge_template_stopped{language=de,template=reminder} 1") {
			t.Errorf("the metric does not say so: %s", counted())
		}
		note(pipeline.TemplateApproved)
		pass(6 * time.Minute)
		stop()
		same(t, "posts once it is free", p.texts(), []string{"n1"})
		same(t, "settled", k.states(), []string{"late expired expired", "n1 accepted"})
		if strings.Contains(counted(), "template_stopped") {
			t.Errorf("the metric stands on: %s", counted())
		}
	})
}

// The gate makes the words of what has none, and of what is gone, without harm.
func TestGateTemplateLeavesTheRestToOthers(t *testing.T) {
	cases := []struct {
		name    string
		compose func(pipeline.Notification, pipeline.Facts, string) (pipeline.Composed, error)
		gone    bool
		want    []string
	}{
		{"no template", sayKey, false, []string{"n1 accepted"}},
		{"nothing to say", func(pipeline.Notification, pipeline.Facts, string) (pipeline.Composed, error) {
			return pipeline.Composed{Skip: pipeline.ReasonAnswered}, nil
		}, false, []string{"n1 skipped answered"}},
		{"the subject is gone", func(_ pipeline.Notification, f pipeline.Facts, _ string) (pipeline.Composed, error) {
			if f.Subject == nil {
				return pipeline.Composed{Skip: pipeline.ReasonSubjectGone}, nil
			}
			return pipeline.Composed{}, errors.New(words)
		}, true, []string{"n1 skipped subject_gone"}},
		{"words that panic", func(pipeline.Notification, pipeline.Facts, string) (pipeline.Composed, error) { panic(words) }, false, []string{"n1 skipped missing_fact"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := dueNow("n1")
				if c.gone {
					n.Subject.Resource = nil
				}
				k, p := newDesk(n), &posts{}
				d := dispatching(t, k, p.failing())
				d.Journeys = &journeys{compose: c.compose}
				d.Gates = append(d.Gates, pipeline.GateTemplate{States: &templateMemory{}})
				stop := start(d.Run)
				pass(time.Minute)
				stop()
				same(t, "settled", k.states(), c.want)
			})
		})
	}
}

func TestInboundNotesTemplates(t *testing.T) {
	quality, category := word("", 3), word("", 4)
	quality.Quality = "red"
	category.Category, category.NextCategory = "utility", "marketing"
	paused := word(pipeline.TemplatePaused, 1)
	paused.Reason = "first_pause"
	said := []pipeline.TemplateUpdate{paused, paused, quality, category, word(pipeline.TemplateApproved, 5), word(pipeline.TemplateApproved, 6)}
	k := newHearing()
	in, letters, text := listening(t, k, func([]byte, time.Time) (pipeline.Updates, error) {
		return pipeline.Updates{Templates: said}, nil
	})
	templates := &templateMemory{}
	in.Templates = templates
	if err := in.Handle(t.Context(), webhookRecord("main")); err != nil {
		t.Fatalf("Handle: %v", err)
	}
	same(t, "dead letters", len(*letters), 0)
	for line, want := range map[string]int{
		`"level":"ERROR","msg":"the provider has stopped a template; what it would say is held","template":"reminder","language":"de","status":"paused","reason":"first_pause"`: 1,
		`"level":"INFO","msg":"a template may be sent"`:                     1,
		`"level":"WARN","msg":"a template is disliked and may be stopped"`:  1,
		`"level":"WARN","msg":"the provider changes a template's category"`: 1,
	} {
		if got := strings.Count(text(), line); got != want {
			t.Errorf("got %d lines %s, want %d:\n%s", got, line, want, text())
		}
	}
	if on, _ := templates.Paused(t.Context(), "reminder", "de"); on {
		t.Error("the template is paused, want it free")
	}

	in.Templates = states{err: transient("disk_full")}
	if err := in.Handle(t.Context(), webhookRecord("main")); pipeline.KindOf(err) != pipeline.Transient || err == nil {
		t.Errorf("got %v, want the record to be tried again", err)
	}
	in.Templates = nil
	if err := in.Handle(t.Context(), webhookRecord("main")); err != nil {
		t.Errorf("without anybody to keep it: %v", err)
	}
}
