package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/goccy/go-yaml"

	"fhirbridge/adapters/cloudapi"
	"fhirbridge/adapters/tyntec"
	"fhirbridge/pipeline"
)

// readTyntec reads what a number at tyntec has, and opens its account. There parameters have no names, so that what the journeys have is compared in the form in
// which it is to be submitted.
func (d *templateDesk) readTyntec(ctx context.Context, entry ChannelConfig, local []cloudapi.Template) ([]cloudapi.Template, error) {
	var settings tyntec.Config
	if err := yaml.NodeToValue(entry.node, &settings); err != nil {
		return nil, fmt.Errorf("channels.%s: not of the right form", entry.Name) // the library quotes the source: it may hold a secret
	}
	client, err := tyntec.New(settings)
	if err != nil {
		return nil, fmt.Errorf("channels.%s: %w", entry.Name, err)
	}
	found, err := client.Templates(ctx)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(found) // in Meta's shape
	if err != nil {
		return nil, err
	}
	numbered(local)
	if err := json.Unmarshal(raw, &d.all); err != nil {
		return nil, err
	}
	d.account = newTyntecAccount(client, local, d.all)
	return local, nil
}

// tyntecAccount submits templates to tyntec: one that is not there in all of its languages at once, others by the language.
type tyntecAccount struct {
	client *tyntec.Client
	id     string // "" until it was asked for
	known  map[string]bool
	local  []cloudapi.Template
	done   map[string]error // what came of those that were not there, by name
}

func newTyntecAccount(client *tyntec.Client, local, all []cloudapi.Template) *tyntecAccount {
	a := &tyntecAccount{client: client, known: map[string]bool{}, local: local, done: map[string]error{}}
	for _, t := range all {
		a.known[t.Name] = true
	}
	return a
}

// open asks for the account that the number belongs to.
func (a *tyntecAccount) open(ctx context.Context) error {
	if a.id != "" {
		return nil
	}
	health, err := a.client.Health(ctx)
	if err == nil && health.Account == "" {
		err = &pipeline.Error{Op: "tyntec.template", Reason: "no_account"}
	}
	a.id = health.Account
	return err
}

// Create submits a template in one language, and with it in the others if it is new.
func (a *tyntecAccount) Create(ctx context.Context, t cloudapi.Template) (cloudapi.Template, error) {
	t.Status = "REQUESTED"
	if err := a.open(ctx); err != nil {
		return t, err
	}
	if a.known[t.Name] {
		return t, a.client.SubmitLanguage(ctx, a.id, atTyntec(t))
	}
	err, tried := a.done[t.Name]
	if !tried {
		var languages []tyntec.Template
		for _, other := range a.local {
			if other.Name == t.Name {
				languages = append(languages, atTyntec(other))
			}
		}
		err = a.client.Submit(ctx, a.id, languages)
		a.done[t.Name] = err
	}
	return t, err
}

// Edit is never asked for: see settle.
func (*tyntecAccount) Edit(context.Context, string, cloudapi.TemplateEdit) error {
	return errors.ErrUnsupported
}

// settle says what else than at Meta is to be done about a template.
func (*tyntecAccount) settle(s pushStep) pushStep {
	switch {
	case s.Status == "SUBMIT_FAILED":
		s.Action, s.Note = pushLeave, "tyntec could not submit it: see its portal"
	case s.Status == "DELETION_PENDING":
		s.Action, s.Note = pushLeave, stuck["PENDING_DELETION"]
	case s.Action == pushEdit:
		s.Action, s.Note = pushLeave, "what is there is edited in tyntec's portal; or use another name"
	}
	return s
}

// atTyntec is a template as tyntec has it.
func atTyntec(t cloudapi.Template) tyntec.Template {
	out := tyntec.Template{Name: t.Name, Language: t.Language, Category: t.Category, TTL: t.TTL}
	for _, c := range t.Components {
		part := tyntec.TemplateComponent{Type: c.Type, Format: c.Format, Text: c.Text}
		_ = json.Unmarshal(c.Example, &part.Examples) // as positional has made it, if there is one
		for _, b := range c.Buttons {
			part.Buttons = append(part.Buttons, tyntec.TemplateButton{Type: b.Type, Text: b.Text})
		}
		out.Components = append(out.Components, part)
	}
	return out
}

var placeholder = regexp.MustCompile(`\{\{\s*([^{}\s]+)\s*\}\}`)

// numbered gives all of them the form that they have at tyntec.
func numbered(local []cloudapi.Template) {
	for i := range local {
		local[i] = positional(local[i])
	}
}

// positional is a template whose parameters are numbered, in the order in which their names first stand in a part. Its examples are in
// that order, too.
func positional(t cloudapi.Template) cloudapi.Template {
	t.ParameterFormat = "POSITIONAL"
	t.Components = slices.Clone(t.Components)
	for i := range t.Components {
		var names []string
		c := &t.Components[i]
		examples := examplesOf(c.Example)
		c.Example = nil
		c.Text = placeholder.ReplaceAllStringFunc(c.Text, func(v string) string {
			name := placeholder.FindStringSubmatch(v)[1]
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
			return fmt.Sprintf("{{%d}}", slices.Index(names, name)+1)
		})
		if len(names) > 0 {
			texts := make([]string, len(names))
			for i, name := range names {
				texts[i] = examples[name]
			}
			c.Example, _ = json.Marshal(texts) // of texts
		}
	}
	return t
}

// examplesOf are the examples of named parameters.
func examplesOf(raw json.RawMessage) map[string]string {
	var named map[string][]struct {
		Name    string `json:"param_name"`
		Example string `json:"example"`
	}
	_ = json.Unmarshal(raw, &named) // it is our own
	examples := map[string]string{}
	for _, list := range named {
		for _, p := range list {
			examples[p.Name] = p.Example
		}
	}
	return examples
}
