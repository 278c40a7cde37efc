package pipeline

import (
	"errors"
	"fhirbridge/fhir"
	"fmt"
	"time"
)

// Kind is what a failure means for the work that met it. There are four, and
// each lane acts on them in one place.
type Kind int

const (
	// Transient failures may pass: the lane retries with backoff until the work expires.
	Transient Kind = iota
	// Throttled failures name their wait in Error.After; the lane retries after it.
	Throttled
	// Refused is final: the other side understood and said no. The lane settles with Error.Code.
	Refused
	// Malformed is final: the input is not what it must be. The lane writes a dead letter.
	Malformed
)

var kindNames = [...]string{"transient", "throttled", "refused", "malformed"}

// String returns the kind's name in lower case, as used in metrics and dead-letter headers.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("kind(%d)", int(k))
	}
	return kindNames[k]
}

// Error is a failure whose kind is known. Its text consists of fixed words,
// codes and element paths: it ends up in logs and dead-letter headers, so it
// never holds a byte of a payload or of a provider's answer.
type Error struct {
	// Op is where it happened, as "room.action": "cloudapi.send".
	Op string
	// Kind says what to do about it.
	Kind Kind
	// Reason is one lower-case token from a closed set, for metrics and headers: "not_json".
	Reason string
	// Code is the other side's own code: an HTTP status, a Meta code, an OperationOutcome code.
	Code string
	// Path is the FHIR element path that is at fault, if one is.
	Path string
	// After is how long a Throttled failure asks to wait.
	After time.Duration
	// Pair is set when a Throttled failure is about this recipient only, not the channel.
	Pair bool
	// Unknown is set when the other side may have acted although no answer came.
	Unknown bool
	// Halt is set when the fault is with our own account or credentials: every
	// further attempt will fail until a person acts.
	Halt bool
	// Err is the cause, if its text is known to be free of payload; else nil.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	text := e.Op + ": " + e.Kind.String()
	if e.Reason != "" {
		text += " " + e.Reason
	}
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	if e.Path != "" {
		text += " at " + e.Path
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err: that of the outermost *Error, else Transient.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Transient
}

// ReasonOf returns the reason token of err, or "other".
func ReasonOf(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Reason != "" {
		return e.Reason
	}
	return "other"
}

// malformed makes an *Error of a fault that fhir found: path and rule, no value.
func malformed(op string, err error) error {
	e := &Error{Op: op, Kind: Malformed, Reason: "not_fhir"}
	var f *fhir.Error
	if errors.As(err, &f) {
		e.Reason, e.Path = f.Rule, f.Path
	}
	return e
}

// faultsOf splits a joined error into its parts.
func faultsOf(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}
