package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fhirbridge/adapters/cloudapi"
)

// missing is the status of a template that Meta does not have.
const missing = "MISSING"

func templatesStatusCommand() *cobra.Command {
	var f templateFlags
	var save string
	cmd := f.add(&cobra.Command{
		Use: "status", Short: "List each template and language with what Meta says of it",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := openTemplates(cmd.Context(), f.config)
			if err != nil {
				return err
			}
			if save != "" {
				if err := saveSnapshot(save, d.all, time.Now()); err != nil {
					return trouble(err)
				}
			}
			return d.printStatus(cmd.OutOrStdout(), f.json)
		},
	})
	cmd.Flags().StringVar(&save, "save", "", "also write all of the account's templates to this `FILE`, for bridge check --approved")
	return cmd
}

// templateStatus is a line of status.
type templateStatus struct {
	Template string `json:"template"`
	Language string `json:"language"`
	// File is where it stands, "" for a template that the journeys do not have.
	File     string `json:"file,omitempty"`
	Status   string `json:"status"`
	Category string `json:"category,omitempty"`
	// NextCategory is what Meta will make of it.
	NextCategory string `json:"next_category,omitempty"`
	Quality      string `json:"quality,omitempty"`
	Rejected     string `json:"rejected_reason,omitempty"`
	// Differs lists where it is not what the file says.
	Differs []string `json:"differs,omitempty"`
}

func statusOf(t cloudapi.Template) templateStatus {
	s := templateStatus{
		Template: t.Name, Language: t.Language, Status: t.Status, Category: t.Category, Quality: t.Quality, Rejected: t.RejectedReason,
	}
	if t.CorrectCategory != t.Category {
		s.NextCategory = t.CorrectCategory
	}
	return s
}

func (p pairing) status() templateStatus {
	if p.meta == nil {
		return templateStatus{Template: p.local.Name, Language: p.local.Language, File: p.file, Status: missing}
	}
	s := statusOf(*p.meta)
	s.Template, s.Language, s.File = p.local.Name, p.local.Language, p.file
	for _, d := range p.found {
		if d.Path != "category to come" { // NextCategory says it
			s.Differs = append(s.Differs, d.Path)
		}
	}
	return s
}

func (d *templateDesk) printStatus(w io.Writer, asJSON bool) error {
	report := struct {
		Templates []templateStatus `json:"templates"`
		Others    []templateStatus `json:"others"`
	}{[]templateStatus{}, []templateStatus{}}
	for _, p := range d.pairs {
		report.Templates = append(report.Templates, p.status())
	}
	for _, t := range d.others {
		report.Others = append(report.Others, statusOf(t))
	}
	if asJSON {
		return printJSON(w, report)
	}
	rows := [][]string{{"TEMPLATE", "LANGUAGE", "STATUS", "CATEGORY", "QUALITY", "NOTE"}}
	for _, s := range report.Templates {
		rows = append(rows, []string{s.Template, s.Language, s.Status, cmp.Or(s.Category, "-"), cmp.Or(s.Quality, "-"), s.note()})
	}
	if err := printTable(w, rows); err != nil || len(report.Others) == 0 {
		return err
	}
	_, err := fmt.Fprintf(w, "The account has %d more, of which the journeys know nothing; --json lists them.\n", len(report.Others))
	return err
}

func (s templateStatus) note() string {
	var parts []string
	if s.Rejected != "" {
		parts = append(parts, s.Rejected)
	}
	if s.NextCategory != "" {
		parts = append(parts, "becomes "+s.NextCategory)
	}
	if len(s.Differs) > 0 {
		parts = append(parts, "differs: "+strings.Join(s.Differs, ", "))
	}
	return strings.Join(parts, "; ")
}
