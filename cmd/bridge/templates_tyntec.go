package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"github.com/goccy/go-yaml"

	"fhirbridge/adapters/cloudapi"
	"fhirbridge/adapters/tyntec"
)

// readTyntec reads what a number at tyntec has. There parameters have no names, so that what the journeys have is compared in the form in
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
	for i := range local {
		local[i] = positional(local[i])
	}
	return local, json.Unmarshal(raw, &d.all)
}

var placeholder = regexp.MustCompile(`\{\{\s*([^{}\s]+)\s*\}\}`)

// positional is a template whose parameters are numbered, in the order in which their names first stand in a part.
func positional(t cloudapi.Template) cloudapi.Template {
	t.ParameterFormat = "POSITIONAL"
	t.Components = slices.Clone(t.Components)
	for i := range t.Components {
		var names []string
		c := &t.Components[i]
		c.Example = nil
		c.Text = placeholder.ReplaceAllStringFunc(c.Text, func(v string) string {
			name := placeholder.FindStringSubmatch(v)[1]
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
			return fmt.Sprintf("{{%d}}", slices.Index(names, name)+1)
		})
	}
	return t
}
