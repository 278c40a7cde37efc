package pipeline

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
)

// pure calls a function of the journeys, which have no I/O: what it fails or
// panics with now it will for ever, so that its error is Malformed. What it
// panics with may quote a patient and is not kept.
func pure(op string, f func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = &Error{Op: op, Kind: Malformed, Reason: "panic"}
		}
	}()
	err = f()
	if err == nil || KindOf(err) == Malformed {
		return err
	}
	var known *Error
	if errors.As(err, &known) {
		return &Error{Op: op, Kind: Malformed, Reason: known.Reason, Path: known.Path}
	}
	return &Error{Op: op, Kind: Malformed, Reason: "journey_failed"}
}

// stack names the functions of a panic, without their arguments. It is called
// by the deferred function that recovers.
func stack() string {
	var callers [24]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(4, callers[:])])
	var names []string
	for {
		f, more := frames.Next()
		names = append(names, f.Function+":"+strconv.Itoa(f.Line))
		if !more {
			return strings.Join(names, " ")
		}
	}
}
