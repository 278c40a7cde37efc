package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"
)

func writesCommand() *cobra.Command {
	var file string
	var asJSON, all bool
	cmd := &cobra.Command{
		Use: "writes [KEY…]", Short: "Show what the EHR has not taken, and let it be written again",
		Long: "Ask the running bridge (http.admin of the configuration) which FHIR writes were given up, and why: bridge_ledger_writes_given_up counts\n" +
			"them. With keys, or --again for all of them, they are owed again, in the order of their queues, and nothing is written twice. Decisions, wishes\n" +
			"and files of patients are left: people were asked to see to them by a Task. What changes a record has a key of its own. No words, names or\n" +
			"numbers are shown.",
		RunE: func(cmd *cobra.Command, keys []string) error {
			if all && len(keys) > 0 {
				return errors.New("keys, or --again for all of them")
			}
			c, _, err := load(file, forCheck)
			if err != nil {
				return err
			}
			if all || len(keys) > 0 {
				return owedAgain(cmd.Context(), cmd.OutOrStdout(), c.HTTP.Admin, keys)
			}
			var list []givenUp
			if err := (asked{http.MethodGet, "/writes", nil, planTimeout}).ask(cmd.Context(), c.HTTP.Admin, &list); err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), list)
			}
			return printGivenUp(cmd.OutOrStdout(), list)
		},
	}
	cmd.Flags().StringVar(&file, "config", "bridge.yaml", "configuration file of the running bridge")
	cmd.Flags().BoolVar(&all, "again", false, "let all of them be written again")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func owedAgain(ctx context.Context, w io.Writer, admin string, keys []string) error {
	var did again
	if err := (asked{http.MethodPost, "/writes", again{Keys: keys}, planTimeout}).ask(ctx, admin, &did); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d are owed again\n", did.Done)
	return err
}

func printGivenUp(w io.Writer, list []givenUp) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "Nothing was given up.")
		return err
	}
	rows := [][]string{{"KEY", "WHAT", "OF", "WHY", "TRIES", "OWED (UTC)"}}
	for _, g := range list {
		rows = append(rows, []string{g.Key, string(g.Kind) + " " + g.Type, g.Of, string(g.Reason), strconv.Itoa(g.Tries), g.Owed.UTC().Format(localTime)})
	}
	if err := printTable(w, rows); err != nil || len(list) < listedWrites {
		return err
	}
	_, err := fmt.Fprintf(w, "These are the %d oldest; there may be more.\n", listedWrites)
	return err
}
