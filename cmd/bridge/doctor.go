package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"fhirbridge/pipeline"
)

// grade is how a finding of the doctor's is.
type grade string

const (
	gradeOK   grade = "ok"
	gradeWarn grade = "warn"
	gradeFail grade = "fail"
)

// diagnosis is one line of the doctor's: what was looked at, how it is, and what to do. None holds a secret, or anything that a
// server has written but codes and names of FHIR's and Kafka's.
type diagnosis struct {
	Check string `json:"check"`
	Grade grade  `json:"grade"`
	Found string `json:"found"`
	Do    string `json:"do,omitempty"`
}

// examination collects findings.
type examination struct {
	config *Config
	now    func() time.Time
	list   []diagnosis
}

func (x *examination) ok(check, format string, args ...any) {
	x.list = append(x.list, diagnosis{Check: check, Grade: gradeOK, Found: fmt.Sprintf(format, args...)})
}

func (x *examination) warn(check, found, do string) {
	x.list = append(x.list, diagnosis{check, gradeWarn, found, do})
}

func (x *examination) fail(check, found, do string) {
	x.list = append(x.list, diagnosis{check, gradeFail, found, do})
}

// errUnwell is the exit of a doctor who has found something that does not work.
var errUnwell = errors.New("not everything works: see the lines that begin with fail")

// doctorTimeout bounds the whole examination.
const doctorTimeout = time.Minute

func doctorCommand() *cobra.Command {
	var file string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Ask everything that is configured how it is, and say what to do; changes nothing",
		Long: "Ask Kafka, the FHIR server, the channel and the ledger how they are, one line each: ok, warn or fail, and what to do about it.\n" +
			"Nothing is written anywhere, nothing is sent to anybody, and no secret is printed. It can be asked beside a running bridge.\n" +
			"Ends with 0 if nothing fails, with 1 if something does, with 2 if the configuration is faulty.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := load(file, forRun)
			if err != nil {
				return err
			}
			x := &examination{config: c, now: time.Now}
			x.all(cmd.Context())
			return x.print(cmd.OutOrStdout(), asJSON)
		},
	}
	cmd.Flags().StringVar(&file, "config", "bridge.yaml", "configuration file")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// all looks at everything, whatever is found of the rest.
func (x *examination) all(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	x.kafka(ctx)
	x.server(ctx)
	x.channel(ctx)
	x.ledger()
}

// print prints the findings, and returns errUnwell if one of them is a failure.
func (x *examination) print(w io.Writer, asJSON bool) error {
	failed := false
	for _, f := range x.list {
		failed = failed || f.Grade == gradeFail
		if asJSON {
			continue
		}
		line := fmt.Sprintf("%-4s  %s: %s", f.Grade, f.Check, f.Found)
		if f.Do != "" {
			line += "; " + f.Do
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	if asJSON {
		if err := printJSON(w, map[string]any{"findings": x.list, "ok": !failed}); err != nil {
			return err
		}
	}
	if failed {
		return errUnwell
	}
	return nil
}

// maxSkew is how far a clock may be off: signed tokens and reminders depend on it.
const maxSkew = 30 * time.Second

// skew compares a server's clock, in whole seconds, with ours. A zero one says nothing.
func (x *examination) skew(check string, theirs time.Time) {
	if theirs.IsZero() {
		return
	}
	off := x.now().Sub(theirs).Round(time.Second)
	if off.Abs() > maxSkew {
		x.warn(check, fmt.Sprintf("the clocks are %s apart", off.Abs()), "let this machine follow a time server: tokens are refused, and reminders come at the wrong time")
		return
	}
	x.ok(check, "agrees with ours within %s", maxSkew)
}

// said is an error in its fixed words, with the reason first.
func said(err error) string {
	var e *pipeline.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	text := spaced(e.Reason)
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}
