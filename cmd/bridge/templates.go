package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"fhirbridge/adapters/cloudapi"
	"fhirbridge/configs"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// templatesCommand compares the templates of the journeys with those that Meta
// has approved, and brings ours there. docs/templates.md tells the whole story.
func templatesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "templates", Short: "Compare the journeys' templates with those that Meta has approved, and push them",
		Long: "Compare the journeys' templates with those that Meta has approved, and push them. With cloudapi the channel needs waba_id,\n" +
			"and an access token that may manage templates (whatsapp_business_management); with tyntec the API key needs the scopes\n" +
			"templates:read and templates:write. Nothing is ever deleted.\n" +
			"Trouble (configuration, access, provider not reached) ends with 2.",
	}
	cmd.AddCommand(templatesStatusCommand(), templatesDiffCommand(), templatesPushCommand())
	return cmd
}

// templateFlags are those that all three have.
type templateFlags struct {
	config string
	json   bool
}

func (f *templateFlags) add(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.NoArgs
	cmd.Flags().StringVar(&f.config, "config", "bridge.yaml", "configuration file")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

// templateDesk has both sides of the comparison.
type templateDesk struct {
	account templateAccount
	pairs   []pairing
	// all are the account's templates, others those of which the journeys know nothing.
	all, others []cloudapi.Template
}

// pairing is a template of the journeys, in one language, and what Meta has of it.
type pairing struct {
	file  string
	local cloudapi.Template
	meta  *cloudapi.Template // nil if there is none
	found []cloudapi.Difference
}

// openTemplates reads the journeys and the account.
func openTemplates(ctx context.Context, file string) (*templateDesk, error) {
	c, _, err := load(file, forRun)
	if err != nil {
		return nil, err
	}
	book, err := loadJourneys(c)
	if err != nil {
		return nil, trouble(err)
	}
	d := &templateDesk{}
	local, err := localTemplates(book)
	if err != nil {
		return nil, trouble(err)
	}
	if entry := c.Channels[0]; entry.Provider == "tyntec" {
		local, err = d.readTyntec(ctx, entry, local)
	} else {
		err = d.readMeta(ctx, entry)
	}
	if err != nil {
		return nil, trouble(err)
	}
	d.pairs, d.others = pairTemplates(local, d.all, templateFiles(c))
	return d, nil
}

// readMeta opens an account at Meta, and reads what it has.
func (d *templateDesk) readMeta(ctx context.Context, entry ChannelConfig) error {
	client, err := openAccount(entry)
	if err != nil {
		return err
	}
	d.account = client
	d.all, err = client.List(ctx)
	return err
}

func openAccount(entry ChannelConfig) (*cloudapi.Templates, error) {
	if entry.Provider != "cloudapi" {
		return nil, fmt.Errorf("channels.%s: templates of the provider %s are not managed here", entry.Name, entry.Provider)
	}
	var settings cloudapi.Config
	if err := yaml.NodeToValue(entry.node, &settings); err != nil {
		return nil, fmt.Errorf("channels.%s: not of the right form", entry.Name) // the library quotes the source: it may hold a secret
	}
	client, err := cloudapi.NewTemplates(settings)
	if err != nil {
		return nil, errors.Join(under("channels."+entry.Name, err)...)
	}
	return client, nil
}

// localTemplates are those of the journeys, without what Meta would add to them.
func localTemplates(book *journey.Book) ([]cloudapi.Template, error) {
	var list []cloudapi.Template
	for _, raw := range book.MetaTemplates() {
		var t cloudapi.Template
		if err := json.Unmarshal(raw, &t); err != nil {
			return nil, err
		}
		t.ID, t.Status = "", ""
		list = append(list, t)
	}
	return list, nil
}

func pairTemplates(local, all []cloudapi.Template, files map[string]string) (pairs []pairing, others []cloudapi.Template) {
	meta := map[string]*cloudapi.Template{}
	for i := range all {
		meta[all[i].Key()] = &all[i]
	}
	ours := map[string]bool{}
	for _, t := range local {
		p := pairing{file: files[t.Name], local: t, meta: meta[t.Key()]}
		if p.meta != nil {
			p.found = cloudapi.Compare(t, *p.meta)
		}
		ours[t.Key()] = true
		pairs = append(pairs, p)
	}
	for _, t := range all {
		if !ours[t.Key()] {
			others = append(others, t)
		}
	}
	return pairs, others
}

// templateFiles says in which file each template stands.
func templateFiles(c *Config) map[string]string {
	fsys, dir := folder(c.Templates, configs.Templates()), c.Templates
	if dir == "" {
		dir = "templates"
	}
	files := map[string]string{}
	entries, _ := fs.ReadDir(fsys, ".") // the journeys were read from there
	for _, e := range entries {
		if ext := path.Ext(e.Name()); ext != ".yaml" && ext != ".yml" {
			continue
		}
		raw, err := fs.ReadFile(fsys, e.Name())
		var head struct {
			Template string `yaml:"template"`
		}
		if err == nil && yaml.Unmarshal(raw, &head) == nil {
			files[head.Template] = filepath.Join(dir, e.Name())
		}
	}
	return files
}

// trouble makes every error one of exit code 2, as diff has it, and says what to do about those of Meta.
func trouble(err error) error {
	var p problems
	if errors.As(err, &p) {
		return err
	}
	return problems{{Text: explainMeta(err)}}
}

// advice is what to do about an error of Meta's, by its reason.
var advice = map[string]string{
	"credentials":    "the access token is wrong or has ended",
	"permission":     "the access token may not manage templates: it needs whatsapp_business_management",
	"not_the_api":    "there is no such account, or the access token may not see it: see waba_id and base_url",
	"rate_app":       "too many calls",
	"no_answer":      "Meta was not reached, or did not answer",
	"unavailable":    "Meta is not available now",
	"name_blocked":   "a template of this name was deleted within 30 days: wait, or use another name",
	"exists":         "there is one already",
	"not_editable":   "it is in review, or was edited within 24 hours or 10 times in 30 days: wait",
	"too_many":       "the account can have no more templates",
	"template_rules": "the text breaks a rule of Meta's: bridge check knows most of them",
	"parameter":      "Meta does not take it so: its category, lifetime or words, or another template has the same words",
}

// explainMeta is an error's text, with what to do about it. Neither holds anything that Meta wrote, but codes.
func explainMeta(err error) string {
	var e *pipeline.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	text := advice[e.Reason]
	if strings.HasPrefix(e.Op, "tyntec.") {
		text = tyntecAdvice(err)
	}
	if text == "" {
		return err.Error()
	}
	if e.After > 0 {
		text += fmt.Sprintf("; try again in %s", e.After.Round(time.Second))
	}
	return text + " (" + err.Error() + ")"
}

// printable is a text of Meta's as a terminal may have it: line ends stay, other control characters do not.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) {
			return '\ufffd'
		}
		return r
	}, s)
}

// printTable prints rows in columns, the first row in capitals.
func printTable(w io.Writer, rows [][]string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		line := strings.TrimRight(strings.Join(row, "\t"), "\t")
		_, _ = fmt.Fprintln(table, line) // Flush tells of it
	}
	return table.Flush()
}

func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
