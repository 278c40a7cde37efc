package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"fhirbridge/adapters/cloudapi"
)

// errDiffer is the exit 1 of a comparison, as diff has it.
var errDiffer = errors.New("the templates differ")

func templatesDiffCommand() *cobra.Command {
	var f templateFlags
	return f.add(&cobra.Command{
		Use: "diff", Short: "Show in what the approved templates are not those of the journeys",
		Long: "Show in what the templates that Meta has (-) are not those of the journeys (+). What Meta writes in its own way makes no\n" +
			"difference, and examples are not compared. Ends with 0 if there is no difference, 1 if there is, 2 in trouble.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := openTemplates(cmd.Context(), f.config)
			if err != nil {
				return err
			}
			return d.printDiff(cmd.OutOrStdout(), f.json)
		},
	})
}

// templateDiff is one comparison.
type templateDiff struct {
	Template    string                `json:"template"`
	Language    string                `json:"language"`
	File        string                `json:"file,omitempty"`
	State       string                `json:"state"` // same, different, missing
	Differences []cloudapi.Difference `json:"differences,omitempty"`
}

func (p pairing) diff() templateDiff {
	d := templateDiff{Template: p.local.Name, Language: p.local.Language, File: p.file, State: "same", Differences: p.found}
	switch {
	case p.meta == nil:
		d.State = "missing"
	case len(p.found) > 0:
		d.State = "different"
	}
	return d
}

func (d *templateDesk) printDiff(w io.Writer, asJSON bool) error {
	report := struct {
		Different bool           `json:"different"`
		Templates []templateDiff `json:"templates"`
	}{Templates: []templateDiff{}}
	for _, p := range d.pairs {
		one := p.diff()
		report.Different = report.Different || one.State != "same"
		report.Templates = append(report.Templates, one)
	}
	if asJSON {
		if err := printJSON(w, report); err != nil {
			return trouble(err)
		}
	} else {
		var text strings.Builder
		for _, one := range report.Templates {
			one.write(&text)
		}
		if _, err := io.WriteString(w, text.String()); err != nil {
			return trouble(err)
		}
	}
	if report.Different {
		return errDiffer
	}
	return nil
}

func (t templateDiff) write(w *strings.Builder) {
	switch t.State {
	case "missing":
		fmt.Fprintf(w, "%s %s: Meta has none\n", t.Template, t.Language)
	case "different":
		fmt.Fprintf(w, "%s %s:\n", t.Template, t.Language)
		for _, d := range t.Differences {
			note := ""
			if d.Breaks {
				note = " (messages would be refused, or answers not be understood)"
			}
			fmt.Fprintf(w, "  %s%s\n", d.Path, note)
			theirs, ours := changedLines(printable(d.Approved), printable(d.Local))
			for _, line := range theirs {
				fmt.Fprintf(w, "    - %s\n", line)
			}
			for _, line := range ours {
				fmt.Fprintf(w, "    + %s\n", line)
			}
		}
	}
}

// changedLines are the lines of both texts without those in which they begin and end alike.
func changedLines(a, b string) (from, to []string) {
	if a != "" {
		from = strings.Split(a, "\n")
	}
	if b != "" {
		to = strings.Split(b, "\n")
	}
	for len(from) > 0 && len(to) > 0 && from[0] == to[0] {
		from, to = from[1:], to[1:]
	}
	for len(from) > 0 && len(to) > 0 && from[len(from)-1] == to[len(to)-1] {
		from, to = from[:len(from)-1], to[:len(to)-1]
	}
	return from, to
}
