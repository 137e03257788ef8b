package ctl

import (
	"errors"
	"fmt"
)

// Code is how a command ends.
type Code = int

// Exit codes. They are part of the contract, like the API's field names.
const (
	ExitOK          Code = 0
	ExitError       Code = 1   // something else went wrong on this machine, a question was answered with no, or a check found something
	ExitUsage       Code = 2   // the command line cannot be understood, or does not say enough
	ExitFailures    Code = 3   // the replay has ended, and some of its items failed
	ExitStopped     Code = 4   // the replay was halted or cancelled
	ExitRefused     Code = 5   // the API, or AWS, said no: the request, the credentials, an id that does not exist
	ExitUnreachable Code = 6   // no answer, or one that says the trouble is over there (5xx, 429)
	ExitInterrupted Code = 130 // Ctrl-C; a replay that was started goes on
)

// exitCodes is the table in the help text.
func exitCodes() string {
	text := ""
	for _, c := range []struct {
		code Code
		says string
	}{
		{ExitOK, "done; of a replay that was waited for: every item succeeded or was skipped"},
		{ExitError, "something went wrong on this machine, the answer to a question was no, doctor found a fault, or diff --exit-code a difference"},
		{ExitUsage, "the command line is wrong, or does not say which ingestion is meant"},
		{ExitFailures, "the replay has ended, and some of its items failed"},
		{ExitStopped, "the replay was halted or cancelled"},
		{ExitRefused, "the API or AWS refused: the request, the credentials, or an id that does not exist"},
		{ExitUnreachable, "no answer, or a 5xx or 429 after several attempts: try again"},
		{ExitInterrupted, "interrupted by Ctrl-C; a replay that was started goes on"},
	} {
		text += fmt.Sprintf("  %3d  %s\n", c.code, c.says)
	}
	return text
}

// Error is an error that knows how the command ends, and what to do next.
type Error struct {
	Code Code
	Err  error    // may be nil: everything was said
	Do   []string // what to do next, a line each
}

func (e *Error) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// usage is an error of the command line.
func usage(format string, args ...any) error {
	return &Error{Code: ExitUsage, Err: fmt.Errorf(format, args...)}
}

// ended ends a command with a code after everything was said.
func ended(code Code) error {
	if code == ExitOK {
		return nil
	}
	return &Error{Code: code}
}

var errInterrupted = errors.New("interrupted")
