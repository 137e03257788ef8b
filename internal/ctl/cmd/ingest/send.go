package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// Statuses, besides those with which Step Functions ends an execution.
const (
	invalid   = "INVALID" // the line is not an event, or Step Functions refuses it
	started   = "STARTED"
	exists    = "EXISTS"    // an execution with this name was started before; nothing was started now
	duplicate = "DUPLICATE" // an earlier line of the file is the same event; the line was not sent
	running   = "RUNNING"
	succeeded = "SUCCEEDED"
)

// result is the outcome of an event. Its fields are part of the contract, as the API's are.
type result struct {
	Line         int    `json:"line"`
	Status       string `json:"status"`
	Execution    string `json:"execution,omitempty"`
	ExecutionARN string `json:"executionArn,omitempty"`
	Recorded     *bool  `json:"recorded,omitempty"` // whether the event log has the event; absent where that is not known
	Error        string `json:"error,omitempty"`
	Cause        string `json:"cause,omitempty"`

	// DuplicateOf is the first line of the file that is the same event, and has its execution.
	DuplicateOf int `json:"duplicateOf,omitempty"`

	// Earlier is how an execution ended that was sent before, with --wait. Then nothing was started.
	Earlier string `json:"earlier,omitempty"`
}

func (r result) recorded() string {
	switch {
	case r.Recorded == nil:
		return ""
	case *r.Recorded:
		return "yes"
	default:
		return "no"
	}
}

// status is that of a table, which has no column for what only some events have.
func (r result) status() string {
	switch {
	case r.DuplicateOf != 0:
		return fmt.Sprintf("%s (of line %d)", r.Status, r.DuplicateOf)
	case r.Earlier != "":
		return r.Status + " (" + r.Earlier + ")"
	default:
		return r.Status
	}
}

// inFlight is how many executions may run before the first of them is waited for. It bounds the results that are kept.
const inFlight = 100

// sender sends the events of a file.
type sender struct {
	f       *factory.Factory
	o       options
	machine string // its ARN
	states  *sfn.Client

	began time.Time
	sent  int            // calls of StartExecution
	count map[string]int // results by status
	lines map[digest]int // the first line of each event; it grows with the file. Empty with a prefix: names differ by line

	before result // the first event that was sent before
	failed int    // executions of events that were sent before, and had failed
}

// note counts a result.
func (s *sender) note(one result) {
	s.count[one.Status]++
	if one.Status == exists && s.before.Execution == "" {
		s.before = one
	}
	if one.Earlier != "" && one.Earlier != succeeded {
		s.failed++
	}
}

// results sends events and yields the outcome of each, in the order of the file.
func (s *sender) results(ctx context.Context, r io.Reader) iter.Seq2[result, error] {
	s.count, s.lines = map[string]int{}, map[digest]int{}
	return func(yield func(result, error) bool) {
		var open []result
		settle := func(n int) bool { // yields results until n are left
			for ; len(open) > n; open = open[1:] {
				one, err := s.ended(ctx, open[0])
				if err == nil {
					s.note(one)
				}
				if !yield(one, err) || err != nil {
					return false
				}
			}
			return true
		}
		most := 0
		if s.o.wait {
			most = inFlight
		}
		for e, err := range events(r) {
			one := result{Line: e.line}
			if err == nil {
				one, err = s.send(ctx, e)
			}
			if err != nil {
				if settle(0) {
					yield(one, err)
				}
				return
			}
			if open = append(open, one); !settle(most) {
				return
			}
		}
		settle(0)
	}
}

// name is that of an event's execution. With a prefix, each line has its own.
func (s *sender) name(line int, d digest) string {
	if s.o.prefix == "" {
		return "in-" + d.String()
	}
	return fmt.Sprintf("%s-%d-%s", s.o.prefix, line, d)
}

// firstLine returns the line that had the event of a line first, the line itself if none did.
func (s *sender) firstLine(line int, d digest) int {
	if s.o.prefix != "" {
		return line
	}
	if first := s.lines[d]; first != 0 {
		return first
	}
	s.lines[d] = line
	return line
}

func (s *sender) send(ctx context.Context, e event) (result, error) {
	if e.err != nil {
		return result{Line: e.line, Status: invalid, Error: e.err.Error()}, nil //nolint:nilerr // it is the line's, and the others are sent
	}
	d := e.digest()
	name := s.name(e.line, d)
	one := result{
		Line: e.line, Status: started, Execution: name,
		ExecutionARN: strings.Replace(s.machine, ":stateMachine:", ":execution:", 1) + ":" + name,
	}
	if first := s.firstLine(e.line, d); first != e.line {
		one.Status, one.DuplicateOf = duplicate, first
		return one, nil
	}
	if err := s.pace(ctx); err != nil {
		return result{}, err
	}
	_, err := s.states.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &s.machine, Name: &name, Input: aws.String(string(e.json)),
	})
	var taken *types.ExecutionAlreadyExists
	var refused *types.InvalidExecutionInput
	switch {
	case errors.As(err, &taken):
		one.Status, err = exists, nil
	case errors.As(err, &refused): // it would be refused again, and the others are sent
		return result{Line: e.line, Status: invalid, Error: "Step Functions refuses the event: " + refused.ErrorMessage()}, nil
	}
	if err != nil {
		return one, fmt.Errorf("send line %d: %w", e.line, err)
	}
	return one, nil
}

// pace waits until the next event may be sent.
func (s *sender) pace(ctx context.Context) error {
	now := s.f.Process.Now()
	if s.sent == 0 {
		s.began = now
	}
	s.sent++
	if s.o.rate == 0 {
		return ctx.Err()
	}
	due := s.began.Add(time.Duration(s.sent-1) * time.Second / time.Duration(s.o.rate))
	if wait := due.Sub(now); wait > 0 {
		return s.f.Sleep(ctx, wait)
	}
	return ctx.Err()
}

// How often an execution is looked at. DescribeExecution allows 10 calls per second in most Regions.
const (
	firstPoll = 200 * time.Millisecond
	maxPoll   = 5 * time.Second
)

// ended waits for the end of an execution, if that is wanted.
func (s *sender) ended(ctx context.Context, one result) (result, error) {
	if !s.o.wait || one.Status == invalid || one.Status == duplicate {
		return one, nil
	}
	for poll := firstPoll; ; poll = min(poll*3/2, maxPoll) {
		out, err := s.states.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &one.ExecutionARN})
		if err != nil {
			return one, fmt.Errorf("look at the execution of line %d: %w", one.Line, err)
		}
		if status := string(out.Status); status != running {
			one.Error, one.Cause = aws.ToString(out.Error), aws.ToString(out.Cause)
			one.Recorded = s.wasRecorded(ctx, one, status)
			if one.Status == exists {
				one.Earlier = status
			} else {
				one.Status = status
			}
			return one, nil
		}
		one.Status = running // how it ends is news, whoever started it
		if err := s.f.Sleep(ctx, poll); err != nil {
			return one, err
		}
	}
}

// wasRecorded reports whether an execution that has ended has left the Record state; nil if that cannot be found out.
func (s *sender) wasRecorded(ctx context.Context, one result, status string) *bool {
	if status == succeeded {
		return aws.Bool(true)
	}
	out, err := s.states.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: &one.ExecutionARN, MaxResults: 100})
	if err != nil {
		return nil
	}
	for _, e := range out.Events {
		if d := e.StateExitedEventDetails; d != nil && aws.ToString(d.Name) == schema.RecordState {
			return aws.Bool(true)
		}
	}
	return aws.Bool(false)
}

// sum says how many events came to what.
func (s *sender) sum() {
	total := 0
	var parts []string
	for _, status := range []string{succeeded, started, exists, "FAILED", "TIMED_OUT", "ABORTED", duplicate, invalid} {
		if n := s.count[status]; n > 0 {
			total += n
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	s.f.Say("%s", strings.TrimSuffix(factory.Plural(total, "event")+": "+strings.Join(parts, ", "), ": "))
	s.tellOfEarlier()
}

// tellOfEarlier says that nothing was started for events that were sent before, and how to run them again.
func (s *sender) tellOfEarlier() {
	n := s.count[exists]
	if n == 0 {
		return
	}
	what, end := fmt.Sprintf("%d events were sent before, in the last 90 days, and not started again", n), ""
	if n == 1 {
		what = fmt.Sprintf("line %d was sent before as execution %s, and not started again", s.before.Line, s.before.Execution)
		if s.before.Earlier != "" {
			end = "; its end was " + s.before.Earlier
		}
	} else if s.failed > 0 {
		end = fmt.Sprintf("; %d of them failed", s.failed)
	}
	s.f.Say("EXISTS: %s%s", what, end)
	s.f.Say("  to run what is recorded again: `%s`", s.f.Hint("replay RESOURCE_ID --reason TEXT"))
	s.f.Say("  to send each line as a new event: --name-prefix TEXT")
}

func (s *sender) code() exit.Code {
	switch {
	case s.count["FAILED"]+s.count["TIMED_OUT"]+s.count["ABORTED"] > 0:
		return exit.Failures
	case s.count[invalid] > 0:
		return exit.General
	default:
		return exit.OK
	}
}

// stopped says how to go on after an error.
func (s *sender) stopped(ctx context.Context, err error) error {
	e := s.f.Explain(err)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		e = &exit.Error{Code: exit.Interrupted, Err: exit.ErrInterrupted}
	}
	var api smithy.APIError
	if errors.As(err, &api) && (api.ErrorCode() == "AccessDeniedException" || api.ErrorCode() == "AccessDenied") {
		e.Do = []string{"allow states:StartExecution on the state machine: the construct's GrantIngest does", "with --wait, also states:DescribeExecution on its executions"}
	}
	e.Do = append(e.Do, "send the file again, with the same flags: what was sent is not sent twice")
	return e
}
