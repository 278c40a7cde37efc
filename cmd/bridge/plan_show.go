package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"fhirbridge/pipeline"
)

func planCommand() *cobra.Command {
	var file string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "plan REF", Short: "Show what is planned about an appointment or a report, and why the rest is not",
		Long: "Ask the running bridge (http.admin of the configuration) what is planned about a resource, as in `bridge plan Appointment/1`:\n" +
			"every step with its local time, template and state, or the reason why it is not planned. No words, names or numbers are shown.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, _, err := load(file, forCheck)
			if err != nil {
				return err
			}
			o, err := askPlan(cmd.Context(), c.HTTP.Admin, args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), o)
			}
			return o.print(cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&file, "config", "bridge.yaml", "configuration file of the running bridge")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// planTimeout is more than a ledger takes that is well.
const planTimeout = 10 * time.Second

// askPlan asks the bridge whose admin listener has this address.
func askPlan(ctx context.Context, admin, ref string) (*outlook, error) {
	o := &outlook{}
	if err := (asked{http.MethodGet, "/plan?ref=" + url.QueryEscape(ref), nil, planTimeout}).ask(ctx, admin, o); err != nil {
		return nil, fmt.Errorf("%s: %w", ref, err)
	}
	return o, nil
}

// whence says where a zone comes from.
func whence(from string) string {
	switch from {
	case "start":
		return "as the visit's start says"
	case "facility":
		return "that of the facility"
	}
	return "as " + from + " says"
}

// localTime is how a terminal shows a moment.
const localTime = "Mon 2006-01-02 15:04"

// print writes the outlook as a table, in local times.
func (o *outlook) print(w io.Writer) error {
	zone, err := time.LoadLocation(o.Zone)
	if err != nil {
		zone = time.UTC
	}
	local := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(zone).Format(localTime)
	}
	switch {
	case o.Version == "" && o.Zone == "":
		_, _ = fmt.Fprintf(w, "%s is gone; times are of UTC\n", o.Ref)
	case o.Zone == "":
		_, _ = fmt.Fprintf(w, "%s, version %s; times are of UTC\n", o.Ref, o.Version)
	default:
		_, _ = fmt.Fprintf(w, "%s, version %s; times are of %s, %s\n", o.Ref, o.Version, o.Zone, whence(o.ZoneFrom))
	}
	for _, a := range o.Answers {
		_, _ = fmt.Fprintf(w, "%s answered %s on %s\n", a.Patient, a.Action, local(a.At))
	}
	if len(o.Steps) == 0 {
		_, _ = fmt.Fprintln(w, "No journey says anything about it.")
		return nil
	}
	rows := [][]string{{"JOURNEY", "STEP", "PATIENT", "WHEN", "TEMPLATE", "STATE"}}
	for _, s := range o.Steps {
		rows = append(rows, []string{s.Journey, s.Step, s.Patient, local(s.Due), s.Template, s.standing(local)})
	}
	return printTable(w, rows)
}

// standing is the state in words.
func (s outlookStep) standing(local func(time.Time) string) string {
	if s.State == "" {
		return "not planned: " + s.NotPlanned
	}
	text := string(s.State)
	if s.Reason != pipeline.ReasonNone {
		text += " (" + string(s.Reason) + ")"
	}
	if s.State != pipeline.Planned {
		text += " " + local(s.Since)
	}
	if s.NotPlanned != "" {
		text += ", not planned again: " + s.NotPlanned
	}
	if s.Covered != "" {
		text += ", " + s.Covered
	}
	return text
}
