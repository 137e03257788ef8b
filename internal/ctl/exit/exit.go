// Package exit has the exit codes of the command, and errors that choose one.
package exit

import (
	"errors"
	"fmt"
)

// Code is how a command ends.
type Code = int

// Exit codes. They are part of the contract, like the API's field names.
const (
	OK          Code = 0
	General     Code = 1   // an error on this machine, a question answered with no, or a check that found something
	Usage       Code = 2   // the command line is wrong or incomplete
	Failures    Code = 3   // the replay has ended, and some of its items failed
	Stopped     Code = 4   // the replay was halted, cancelled, or paused by its ramp
	Refused     Code = 5   // the API or AWS refused the request, the credentials or an id
	Unreachable Code = 6   // no response, or one with 429 or 5xx
	Skipped     Code = 7   // with --fail-on-skipped: the replay matched nothing, or an item was skipped
	Interrupted Code = 130 // Ctrl-C; a replay that was started continues
)

// Table is the list of exit codes in the help text.
func Table() string {
	text := ""
	for _, c := range []struct {
		code Code
		says string
	}{
		{OK, "done; after --wait: every item succeeded or was skipped"},
		{General, "an error on this machine, a question answered with no, a fault that doctor found, a difference with diff --exit-code, or a line that ingest could not send"},
		{Usage, "the command line is wrong, or does not name the ingestion"},
		{Failures, "the replay has ended, and some of its items failed; or executions that ingest waited for"},
		{Stopped, "the replay was halted, cancelled, or paused by its ramp"},
		{Refused, "the API or AWS refused the request, the credentials, or an id that does not exist"},
		{Unreachable, "no response, or 429 or 5xx after several attempts: try again"},
		{Skipped, "with --fail-on-skipped: an item was skipped, or nothing matched"},
		{Interrupted, "interrupted by Ctrl-C; a replay that was started continues"},
	} {
		text += fmt.Sprintf("  %3d  %s\n", c.code, c.says)
	}
	return text
}

// Error is an error that knows its exit code, and what to do next.
type Error struct {
	Code Code
	Err  error    // nil if the command has already said everything
	Do   []string // the next steps, one per line
}

func (e *Error) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Usagef is an error of the command line.
func Usagef(format string, args ...any) error {
	return &Error{Code: Usage, Err: fmt.Errorf(format, args...)}
}

// With ends a command with a code after it has said everything.
func With(code Code) error {
	if code == OK {
		return nil
	}
	return &Error{Code: code}
}

// ErrInterrupted means that Ctrl-C ended the command.
var ErrInterrupted = errors.New("interrupted")
