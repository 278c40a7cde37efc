package pipeline

import (
	"context"
	"time"
)

// holdFor is how long what is held by a gate waits before it is looked at again.
const holdFor = 5 * time.Minute

// TemplateStates remembers by which templates the provider sends nothing now.
type TemplateStates interface {
	// Paused reports whether the last word on the template stops it. It is asked for every
	// message that is due, so it answers from memory. A template of which nothing was said is not paused.
	Paused(ctx context.Context, name, language string) (bool, error)
	// AnyPaused reports whether Paused is true of any template at all. It is asked for every message, too.
	AnyPaused() bool
	// Note takes a word in and reports whether it changed what Paused says. It returns when that
	// is as durable as the implementation promises; words come more than once and in any order, and an
	// older one than the last changes nothing. One that neither stops nor frees is not kept.
	Note(ctx context.Context, u TemplateUpdate) (changed bool, err error)
}

// GateTemplate holds what would be sent by a template that the provider has
// stopped. Nothing is skipped: it is looked at again every few minutes and goes out
// when the template is free again, unless it has expired by then.
//
// Without the gate the provider would refuse each message by itself.
type GateTemplate struct {
	States  TemplateStates
	Metrics *Metrics
}

// Admit implements Gate.
func (g GateTemplate) Admit(ctx context.Context, c Candidate) (Verdict, error) {
	if c.Template == nil {
		return Verdict{}, nil
	}
	if !g.States.AnyPaused() { // nearly always: then no words are made only to be asked about
		g.Metrics.allTemplatesFree()
		return Verdict{}, nil
	}
	name, language, err := c.Template()
	if err != nil || name == "" {
		return Verdict{}, err
	}
	language = TemplateLanguage(language)
	paused, err := g.States.Paused(ctx, name, language)
	if err != nil {
		return Verdict{}, err
	}
	g.Metrics.template(name, language, paused)
	if paused {
		return Verdict{Hold: ReasonPaused}, nil
	}
	return Verdict{}, nil
}

// templateOf returns the lookup for Candidate.Template: the words of n are made once more for it,
// because only they say which language the patient reads.
func (d *Dispatch) templateOf(n Notification, f Facts) func() (name, language string, err error) {
	return func() (name, language string, err error) {
		err = pure("dispatch.template", func() error {
			c, err := d.Journeys.Compose(n, f, NewAttempt())
			if err == nil && c.Skip == ReasonNone && c.Message.Template != nil {
				name, language = c.Message.Template.Name, c.Message.Language
			}
			return err
		})
		return name, language, err
	}
}

// template takes a word on a template in. Whoever is on call reads of it here, or sees the
// metric: a stopped template is a journey that does not reach anybody.
func (in *Inbound) template(ctx context.Context, u TemplateUpdate) error {
	changed := true
	if in.Templates != nil {
		var err error
		if changed, err = in.Templates.Note(ctx, u); err != nil {
			return err
		}
	}
	about := []any{"template", u.Name, "language", u.Language}
	switch {
	case u.Status.Stops() && changed:
		in.Metrics.template(u.Name, u.Language, true)
		in.Log.Error("the provider has stopped a template; what it would say is held", append(about, "status", string(u.Status), "reason", u.Reason)...)
	case u.Status.Frees() && changed:
		in.Metrics.template(u.Name, u.Language, false)
		in.Log.Info("a template may be sent", about...)
	case u.Status == TemplateFlagged, u.Quality == "red", u.Quality == "yellow":
		in.Log.Warn("a template is disliked and may be stopped", append(about, "quality", u.Quality, "reason", u.Reason)...)
	case u.Category != "" || u.NextCategory != "":
		in.Log.Warn("the provider changes a template's category", append(about, "category", u.Category, "next", u.NextCategory)...)
	}
	return nil
}
