package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// sendFlags are the flags of bridge send.
type sendFlags struct {
	config, at, expires string
	parameters          []string
	json                bool
	order               sendOrder
}

func sendCommand() *cobra.Command {
	f := &sendFlags{}
	cmd := &cobra.Command{
		Use: "send NAME", Short: "Send one message to the patients of many visits, after a rehearsal",
		Long: "Ask the running bridge (http.admin of the configuration) to send a template to every patient of the booked visits that match\n" +
			"a filter, each in their own language. First with --dry-run: it shows how many patients that are, what the gates say, and the\n" +
			"words in each language, and sends nothing. Then the same with --yes and that number of patients.\n\n" +
			"NAME is the broadcast's: who got one of a name never gets it again, however often it is run. --revoke takes back what is\n" +
			"not sent yet. A filter is one or more of place=Location/1 (and what is part of it), service=CODE or SYSTEM|CODE, start=DAY,\n" +
			"from= and to= a day or a time, joined by \" and \". Days and times are the facility's. No names are shown without --names.\n\n" +
			"It changes nothing in the EHR: reminders of a visit go on until it is moved or cancelled there.",
		Example: "  bridge send closed-2026-12-24 --filter \"place=Location/1 and start=2026-12-24\" --template clinic_closed --param date=2026-12-24 --dry-run\n" +
			"  bridge send closed-2026-12-24 --filter \"place=Location/1 and start=2026-12-24\" --template clinic_closed --param date=2026-12-24 --yes 12\n" +
			"  bridge send closed-2026-12-24 --revoke",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.order.Name = args[0]
			return f.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "bridge.yaml", "configuration file of the running bridge")
	flags.StringVar(&f.order.Filter, "filter", "", "`FILTER` of the visits")
	flags.StringVar(&f.order.Template, "template", "", "`NAME` of the template, one of those that others may ask for")
	flags.StringArrayVar(&f.parameters, "param", nil, "`NAME=VALUE` of a parameter; dates like 2026-12-24 are written in each language")
	flags.StringVar(&f.at, "at", "", "`TIME` at which it is sent, at once without it")
	flags.StringVar(&f.expires, "expires", "", "`TIME` from which it is of no use any more")
	flags.BoolVar(&f.order.Rehearsal, "dry-run", false, "show what would be sent")
	flags.IntVar(&f.order.Yes, "yes", 0, "`NUMBER` of patients it goes to, as the dry run has said")
	flags.BoolVar(&f.order.Names, "names", false, "show the words with a patient's name")
	flags.BoolVar(&f.order.Revoke, "revoke", false, "take back what is not sent yet")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "yes", "revoke")
	return cmd
}

func (f *sendFlags) run(ctx context.Context, out io.Writer) error {
	c, _, err := load(f.config, forCheck)
	if err != nil {
		return err
	}
	if err := f.read(c); err != nil {
		return err
	}
	x, err := askSend(ctx, c.HTTP.Admin, f.order)
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(out, x)
	}
	return x.print(out)
}

// read fills in the order what flags say in words.
func (f *sendFlags) read(c *Config) error {
	if !f.order.Rehearsal && !f.order.Revoke && f.order.Yes <= 0 {
		return errors.New("first with --dry-run, then with --yes and the number of patients that it says")
	}
	zone, err := time.LoadLocation(c.Facility.Timezone)
	if err != nil {
		return err
	}
	for _, at := range []struct {
		name, text string
		to         *time.Time
	}{{"at", f.at, &f.order.At}, {"expires", f.expires, &f.order.Expires}} {
		if at.text == "" {
			continue
		}
		if *at.to, _, err = parseMoment(at.text, zone); err != nil {
			return fmt.Errorf("--%s %s: %w", at.name, at.text, err)
		}
	}
	f.order.Parameters = map[string]string{}
	for _, p := range f.parameters {
		name, value, ok := strings.Cut(p, "=")
		if !ok {
			return fmt.Errorf("--param %s: must be like date=2026-12-24", p)
		}
		f.order.Parameters[name] = value
	}
	return nil
}

// askSend gives an order to the bridge whose admin listener has this address.
func askSend(ctx context.Context, admin string, o sendOrder) (*sendOutlook, error) {
	x := &sendOutlook{}
	err := asked{http.MethodPost, "/send", o, sendLimit}.ask(ctx, admin, x)
	return x, err
}

// print writes what would come of an order, or has come of it.
func (x *sendOutlook) print(w io.Writer) error {
	if x.Template == "" {
		_, err := fmt.Fprintf(w, "%s: %d requests are taken back; what was sent before stays sent.\n", x.Name, x.Revoked)
		return err
	}
	if x.Sent {
		_, err := fmt.Fprintf(w, "%s: %s is on its way to %d patients. bridge send %s --revoke takes back what is not sent yet.\n", x.Name, x.Template, x.Patients, x.Name)
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s to %d patients of %d visits", x.Name, x.Template, x.Patients, x.Visits)
	if x.Before > 0 {
		fmt.Fprintf(&b, "; %d more got it before, and do not again", x.Before)
	}
	b.WriteString("\n")
	for _, language := range slices.Sorted(maps.Keys(x.Languages)) {
		fmt.Fprintf(&b, "  %s: %d\n", language, x.Languages[language])
	}
	for _, why := range slices.Sorted(maps.Keys(x.Refused)) {
		fmt.Fprintf(&b, "  not sent as things are (%s): %d\n", why, x.Refused[why])
	}
	for _, why := range slices.Sorted(maps.Keys(x.Held)) {
		fmt.Fprintf(&b, "  sent later (%s): %d\n", why, x.Held[why])
	}
	if x.Unnamed > 0 {
		fmt.Fprintf(&b, "  %d patients are in no record of their own, and get nothing\n", x.Unnamed)
	}
	for _, language := range slices.Sorted(maps.Keys(x.Words)) {
		fmt.Fprintf(&b, "\n%s\n", language)
		for _, line := range strings.Split(x.Words[language], "\n") {
			fmt.Fprintln(&b, strings.TrimRight("  │ "+line, " "))
		}
	}
	if x.Patients > 0 {
		fmt.Fprintf(&b, "\nNothing is sent yet. The same with --yes %d instead of --dry-run sends it.\n", x.Patients)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
