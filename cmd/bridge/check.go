package main

import (
	"cmp"
	"strings"

	"github.com/spf13/cobra"
)

func checkCommand() *cobra.Command {
	var file, approved string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Lint configuration, journeys and templates; run the examples of the journeys",
		Long: "Lint configuration, journeys and templates, and run the examples of the journeys. Nothing is connected to.\n" +
			"Environment variables that are not set are listed and are no error here; `bridge run` refuses to start without them.\n" +
			"Nor are the files of the channels' secrets and of the ledger's key needed here.\n" +
			"With --approved (or approved: in the channel) the journeys' templates are compared with what Meta had approved: one that is\n" +
			"not approved, of another shape, or missing in a language is refused.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, unset, err := ready(file, forLint)
			if err != nil {
				return err
			}
			book := c.book
			if snapshot := cmp.Or(approved, c.Channels[0].Approved); snapshot != "" {
				notes, err := checkApproved(c, book, snapshot)
				for _, note := range notes {
					cmd.Println("note:", note)
				}
				if err != nil {
					return err
				}
			}
			cmd.Printf("%s: fine; %d templates in their languages; every example of the journeys holds\n", file, len(book.MetaTemplates()))
			if len(unset) > 0 {
				cmd.Printf("not set here: %s\n", strings.Join(unset, ", "))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "config", "bridge.yaml", "configuration file")
	cmd.Flags().StringVar(&approved, "approved", "", "`FILE` of bridge templates status --save to compare the templates with")
	return cmd
}
