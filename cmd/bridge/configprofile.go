package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"fhirbridge/configs"
	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// defaultProfile is that of a server of which nothing is said.
const defaultProfile = "generic"

// ProfileConfig is what of the fhir block says whose server it is.
type ProfileConfig struct {
	// Profile is one of those that the binary carries, or a file (*.yaml) of the same form.
	Profile string `yaml:"profile"`
	// Sender and Recipients are who messages are from and to, where the profile wants somebody of its own: "Practitioner/1".
	Sender     string   `yaml:"sender"`
	Recipients []string `yaml:"recipients"`

	loaded  pipeline.Profile
	problem error // of loading it
}

// load reads the profile that is named. Its problem begins with the key.
func (p *ProfileConfig) load() error {
	name := cmp.Or(p.Profile, defaultProfile)
	file := name + ".yaml"
	var raw []byte
	var err error
	if strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") {
		file = name
		raw, err = os.ReadFile(name)
	} else {
		raw, err = fs.ReadFile(configs.Profiles(), file)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("profile: must be one of %s, or a file that is there (*.yaml)", strings.Join(profileNames(), ", "))
	} else if err != nil {
		return fmt.Errorf("profile: cannot be read: %s", reason(err))
	}
	p.loaded, err = parseProfile(raw)
	if err != nil {
		return fmt.Errorf("profile: %s: %s", file, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}

// parseProfile reads a profile strictly.
func parseProfile(raw []byte) (p pipeline.Profile, err error) {
	if err := yaml.NewDecoder(bytes.NewReader(raw), yaml.Strict()).Decode(&p); err != nil {
		text, _, _ := strings.Cut(yaml.FormatError(err, false, false), "\n")
		return p, errors.New(text)
	}
	return p, p.Validate()
}

// profileNames are those of the profiles that the binary carries.
func profileNames() []string {
	files, _ := fs.Glob(configs.Profiles(), "*.yaml")
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = strings.TrimSuffix(path.Base(file), ".yaml")
	}
	return names
}

// validate returns what of the fhir block does not go with the profile.
func (p ProfileConfig) validate(sinks []pipeline.Sink) error {
	if p.problem != nil {
		return p.problem
	}
	var errs []error
	c := p.loaded.Communication
	if p.loaded.Writes == pipeline.SinkTopic && slices.Contains(sinks, pipeline.SinkServer) {
		errs = append(errs, fmt.Errorf("write_to: must be [topic] with the profile %s", p.loaded.Name))
	}
	switch {
	case len(c.Sender) == 0 && p.Sender != "":
		errs = append(errs, fmt.Errorf("sender: fhir.profile %s has no use for it", p.loaded.Name))
	case len(c.Sender) > 0 && !refersToOne(p.Sender, c.Sender):
		errs = append(errs, fmt.Errorf("sender: the profile %s needs one of %s, as in %s/1", p.loaded.Name, strings.Join(c.Sender, ", "), c.Sender[0]))
	}
	switch {
	case len(c.Recipient) == 0 && len(p.Recipients) > 0:
		errs = append(errs, fmt.Errorf("recipients: fhir.profile %s has no use for them", p.loaded.Name))
	case len(c.Recipient) > 0 && len(p.Recipients) == 0:
		errs = append(errs, fmt.Errorf("recipients: the profile %s needs one at least: %s", p.loaded.Name, strings.Join(c.Recipient, ", ")))
	}
	for i, r := range p.Recipients {
		if len(c.Recipient) > 0 && !refersToOne(r, c.Recipient) {
			errs = append(errs, fmt.Errorf("recipients[%d]: must be one of %s, as in %s/1", i, strings.Join(c.Recipient, ", "), c.Recipient[0]))
		}
	}
	return errors.Join(errs...)
}

// refersToOne reports whether a reference is "Type/id" of one of the types.
func refersToOne(ref string, types []string) bool {
	r, ok := fhir.ParseReference(ref)
	return ok && r.URL == "" && r.ID != "" && slices.Contains(types, r.Type)
}

// suited lets a lane write as the profile of the server has it.
func (a *app) suited(b *pipeline.WriteBack) *pipeline.WriteBack {
	p := a.config.FHIR.Of
	b.Shape = pipeline.Shape{Profile: p.loaded, Sender: p.Sender, Recipients: p.Recipients}
	b.Ladder.Profile, b.Ladder.Log, b.Ladder.Now = p.loaded, a.log, a.now
	return b
}
