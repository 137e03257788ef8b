// Package bridge puts Step Functions' status changes on the default event bus. AWS does so itself, but the emulator
// does not. Each end of an execution gives one event, also after a redrive, in the order in which the executions ended.
package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

const defaultInterval = 250 * time.Millisecond

// stepFunctions is the part of the Step Functions client that a bridge uses.
type stepFunctions interface {
	ListExecutions(context.Context, *sfn.ListExecutionsInput, ...func(*sfn.Options)) (*sfn.ListExecutionsOutput, error)
	DescribeExecution(context.Context, *sfn.DescribeExecutionInput, ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error)
}

// eventBus is the part of the EventBridge client that a bridge uses.
type eventBus interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// Mode is what happens to the end of an execution.
type Mode int

// Modes of a bridge.
const (
	Deliver Mode = iota // put the event
	Hold                // keep it until the mode changes
	Drop                // lose it, as AWS may: status events are delivered on a best-effort basis
)

// Config says what a bridge connects.
type Config struct {
	StepFunctions stepFunctions
	Events        eventBus
	StateMachines []string      // ARNs
	Interval      time.Duration // between two polls. Default: 250 ms
	Report        func(error)   // gets each error; the bridge retries. May be nil
}

// Stats counts ends of executions.
type Stats struct {
	Delivered int
	Dropped   int
	Errors    int
}

// Bridge is a running bridge.
type Bridge struct {
	config Config
	cancel context.CancelFunc
	done   chan struct{}

	mu       sync.Mutex
	mode     Mode
	stats    Stats
	machines []*machine
}

// machine is what the bridge knows about the executions of one state machine.
type machine struct {
	arn  string
	done map[string]time.Time // ended executions by ARN, delivered or dropped: when they stopped
	skip int                  // executions at the head of the list, all done
}

// Start starts a bridge. Executions that ended earlier are delivered as well.
func Start(c Config) *Bridge {
	if c.Interval <= 0 {
		c.Interval = defaultInterval
	}
	ctx, cancel := context.WithCancel(context.Background())
	b := &Bridge{config: c, cancel: cancel, done: make(chan struct{})}
	b.Add(c.StateMachines...)
	go b.run(ctx)
	return b
}

// Add connects the state machines that are not yet connected.
func (b *Bridge) Add(arns ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, arn := range arns {
		if !slices.ContainsFunc(b.machines, func(m *machine) bool { return m.arn == arn }) {
			b.machines = append(b.machines, &machine{arn: arn, done: map[string]time.Time{}})
		}
	}
}

// Stop ends the bridge and waits until it has ended.
func (b *Bridge) Stop() {
	b.cancel()
	<-b.done
}

// SetMode changes what happens to the ends of executions from now on. It returns when no poll in the old mode is in
// progress.
func (b *Bridge) SetMode(m Mode) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mode = m
}

// Stats returns the counts so far.
func (b *Bridge) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stats
}

func (b *Bridge) run(ctx context.Context) {
	defer close(b.done)
	ticker := time.NewTicker(b.config.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := b.look(ctx); err != nil && ctx.Err() == nil {
			b.failed(err)
		}
	}
}

func (b *Bridge) failed(err error) {
	b.mu.Lock()
	b.stats.Errors++
	b.mu.Unlock()
	if b.config.Report != nil {
		b.config.Report(err)
	}
}

// look finds the executions that ended since the last poll and handles them.
func (b *Bridge) look(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mode == Hold {
		return nil
	}
	var ended []end
	for _, m := range b.machines {
		more, err := m.ended(ctx, b.config.StepFunctions)
		if err != nil {
			return fmt.Errorf("list executions: %w", err)
		}
		ended = append(ended, more...)
	}
	slices.SortStableFunc(ended, func(x, y end) int { return x.stopped.Compare(y.stopped) })
	if b.mode == Drop {
		for _, e := range ended {
			e.machine.done[e.arn] = e.stopped
		}
		b.stats.Dropped += len(ended)
		return nil
	}
	return b.deliver(ctx, ended)
}

// end is an execution that ended and has not been handled.
type end struct {
	machine *machine
	arn     string
	stopped time.Time
}

// ended lists executions that ended and are not done. The emulator lists by start, and its token is the number of
// executions before the page. So a poll reads only open, new and redriven executions, not all of them.
func (m *machine) ended(ctx context.Context, api stepFunctions) ([]end, error) {
	in := &sfn.ListExecutionsInput{StateMachineArn: &m.arn, MaxResults: 1000}
	if m.skip > 0 {
		in.NextToken = aws.String(strconv.Itoa(m.skip))
	}
	var ends []end
	head := true // all executions so far are done
	for {
		page, err := api.ListExecutions(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Executions {
			_, done := m.done[*e.ExecutionArn]
			if head = head && done; head {
				m.skip++
			}
			if !done && e.Status != types.ExecutionStatusRunning && e.StopDate != nil {
				ends = append(ends, end{machine: m, arn: *e.ExecutionArn, stopped: *e.StopDate})
			}
		}
		if page.NextToken == nil {
			again, err := m.redriven(ctx, api)
			return append(ends, again...), err
		}
		in.NextToken = page.NextToken
	}
}

// redriven lists the ends that are not done of executions that have ended before.
func (m *machine) redriven(ctx context.Context, api stepFunctions) (ends []end, err error) {
	in := &sfn.ListExecutionsInput{StateMachineArn: &m.arn, MaxResults: 1000, RedriveFilter: types.ExecutionRedriveFilterRedriven}
	for {
		page, err := api.ListExecutions(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Executions {
			before, done := m.done[*e.ExecutionArn]
			if done && e.Status != types.ExecutionStatusRunning && e.StopDate != nil && !e.StopDate.Equal(before) {
				ends = append(ends, end{machine: m, arn: *e.ExecutionArn, stopped: *e.StopDate})
			}
		}
		if page.NextToken == nil {
			return ends, nil
		}
		in.NextToken = page.NextToken
	}
}

// errRedriven means that an execution was redriven after it was listed. A later poll finds its next end.
var errRedriven = errors.New("redriven")

// deliver puts the events in order, in as few calls as the size allows. If it returns an error, the remaining events
// are tried again at the next poll.
func (b *Bridge) deliver(ctx context.Context, ends []end) error {
	var pending batch
	for _, e := range ends {
		entry, err := b.entry(ctx, e)
		if errors.Is(err, errRedriven) {
			continue
		}
		if err != nil {
			return err
		}
		if !pending.fits(entry) {
			if err := b.put(ctx, pending); err != nil {
				return err
			}
			pending = batch{}
		}
		pending.add(e, entry)
	}
	return b.put(ctx, pending)
}
