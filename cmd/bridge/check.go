package main

import (
	"strings"

	"github.com/spf13/cobra"
)

func checkCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Lint configuration, journeys and templates; run the examples of the journeys",
		Long: "Lint configuration, journeys and templates, and run the examples of the journeys. Nothing is connected to.\n" +
			"Environment variables that are not set are listed and are no error here; `bridge run` refuses to start without them.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, unset, err := load(file, forCheck)
			if err != nil {
				return err
			}
			book, err := loadJourneys(c)
			if err != nil {
				return err
			}
			cmd.Printf("%s: fine; %d templates in their languages; every example of the journeys holds\n", file, len(book.MetaTemplates()))
			if len(unset) > 0 {
				cmd.Printf("not set here: %s\n", strings.Join(unset, ", "))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "config", "bridge.yaml", "configuration file")
	return cmd
}
