// Command bridge carries FHIR events from Kafka to patients' WhatsApp, and
// what they answer back into the chart.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
	_ "time/tzdata" // zones must not depend on the machine: a missing one would move reminders
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the program at once
	}()
	if err := root().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitCode(err))
	}
}

// root is the program with its subcommands, one a file.
func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "bridge",
		Short:         "FHIR events on Kafka → patients' WhatsApp → FHIR Communications",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	cmd.AddCommand(runCommand(), webhookCommand(), demoCommand(), checkCommand(), planCommand(), doctorCommand(), simulateCommand(), sendCommand(), writesCommand(), templatesCommand(), keygenCommand(), jwksCommand(), versionCommand())
	return cmd
}

// errUnaccounted is the exit of a demo in which something got lost.
var errUnaccounted = errors.New("not everything was accounted for")

// exitCode is 2 for what is wrong in configuration, 1 for everything else.
func exitCode(err error) int {
	var p problems
	if errors.As(err, &p) {
		return 2
	}
	return 1
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) { cmd.Println("bridge", version()) },
	}
}

// version is the module's version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			v += " " + s.Value[:12]
		}
	}
	return v + " " + info.GoVersion
}
