package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/naming"
	"github.com/ce873799/replayable-ingestion/internal/publish"
	"github.com/ce873799/replayable-ingestion/internal/record"
	"github.com/ce873799/replayable-ingestion/internal/workflow"
)

// Machine is a state machine of Record, one state of the user and Publish.
type Machine struct {
	record  *record.Recorder
	publish *publish.Publisher

	Now func() time.Time // the clock of Step Functions

	// Work is the user's state: it returns the output, or the name of an error.
	Work func(execution, event string) (output, fault string)
	// Early ends an execution after the user's state, without Publish: a Succeed state. nil: none.
	Early func(execution string) bool
	// StartFault breaks StartExecution: after is whether it takes effect all the same.
	StartFault func(execution string) (err error, after bool)

	// OnStart sees each execution before it is started by a function; may be nil.
	OnStart func(ctx context.Context, name, input string)
	// Function runs a function of the product for a state; nil: just so.
	Function func(ctx context.Context, do func(context.Context) error) error
	Attempts int // of such a state, while it says that a service is unavailable; 0: one

	mu         sync.Mutex
	executions map[string]*execution
	order      []string
	lastEvent  time.Time      // when the last live execution started
	ran        int            // all before this place in the order have ended
	Starts     map[string]int // answered calls of StartExecution that started something, by name
	Lists      int            // calls of ListExecutions
	Describes  int            // calls of DescribeExecution
	PageSize   int            // of ListExecutions; 0: as many as are asked for
	ends       []end
}

type execution struct {
	name, input string
	started     time.Time
	stopped     time.Time
	redrives    int32
	status      types.ExecutionStatus
	fault       string
	cause       string
}

type end struct {
	message string
	failed  bool
}

func newMachine(r *record.Recorder, p *publish.Publisher) *Machine {
	return &Machine{
		Now: time.Now, record: r, publish: p, executions: map[string]*execution{}, Starts: map[string]int{},
		Work:       func(_, event string) (string, string) { return event, "" },
		StartFault: func(string) (error, bool) { return nil, false },
	}
}

func executionARN(name string) string {
	return strings.Replace(MachineARN, ":stateMachine:", ":execution:", 1) + ":" + name
}

func (x *execution) context() workflow.Execution {
	return workflow.Execution{ARN: executionARN(x.name), Name: x.name, StartTime: x.started, RedriveCount: int(x.redrives)}
}

func (m *Machine) start(name, input string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if x, used := m.executions[name]; used {
		if x.input == input && x.status == types.ExecutionStatusRunning {
			return nil // Step Functions answers as if it had started it, and starts nothing
		}
		return &types.ExecutionAlreadyExists{Message: aws.String(name)}
	}
	started := m.Now()
	if next := m.lastEvent.Add(time.Millisecond); !naming.Replay(name) {
		if started.Before(next) { // no two events come at once: which of them is older must be clear
			started = next
		}
		m.lastEvent = started
	}
	m.executions[name] = &execution{name: name, input: input, started: started, status: types.ExecutionStatusRunning}
	m.order = append(m.order, name)
	m.Starts[name]++
	return nil
}

// StartExecution is Step Functions'.
func (m *Machine) StartExecution(ctx context.Context, in *sfn.StartExecutionInput, _ ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error) {
	if m.OnStart != nil && m.Status(*in.Name) == "" {
		m.OnStart(ctx, *in.Name, *in.Input)
	}
	fault, after := m.StartFault(*in.Name)
	if fault != nil && !after {
		return nil, fault
	}
	if err := m.start(*in.Name, *in.Input); err != nil {
		return nil, err
	}
	return &sfn.StartExecutionOutput{ExecutionArn: aws.String(executionARN(*in.Name))}, fault
}

// DescribeExecution is Step Functions'.
func (m *Machine) DescribeExecution(_ context.Context, in *sfn.DescribeExecutionInput, _ ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Describes++
	name := (*in.ExecutionArn)[strings.LastIndex(*in.ExecutionArn, ":")+1:]
	x, ok := m.executions[name]
	if !ok {
		return nil, &types.ExecutionDoesNotExist{Message: aws.String(name)}
	}
	out := &sfn.DescribeExecutionOutput{
		ExecutionArn: in.ExecutionArn, Name: &x.name, Status: x.status, StartDate: &x.started, Input: &x.input,
		RedriveCount: aws.Int32(x.redrives), Error: aws.String(x.fault), Cause: aws.String(x.cause),
	}
	if !x.stopped.IsZero() {
		out.StopDate = &x.stopped
	}
	return out, nil
}

// RunAll runs every execution that was started to its end.
func (m *Machine) RunAll(ctx context.Context) {
	for m.RunOne(ctx) {
	}
}

// RunOne runs the oldest execution that was started to its end, and reports whether there was one.
func (m *Machine) RunOne(ctx context.Context) bool {
	m.mu.Lock()
	var next *execution
	for ; m.ran < len(m.order) && next == nil; m.ran++ {
		if x := m.executions[m.order[m.ran]]; x.status == types.ExecutionStatusRunning {
			next = x
		}
	}
	m.mu.Unlock()
	if next != nil {
		m.run(ctx, next)
	}
	return next != nil
}

func (m *Machine) run(ctx context.Context, x *execution) {
	redrives := m.redrivesOf(x)
	stopped := func() bool { return !m.runs(x, redrives) } // by an operator
	var out workflow.RecordOutput
	err := m.state(ctx, func(ctx context.Context, attempt int) (err error) {
		in := recordInput(x)
		in.RetryCount = attempt
		out, err = m.record.Handle(ctx, in)
		return err
	})
	if stopped() {
		return
	}
	if err != nil {
		m.end(x, err)
		return
	}
	output, fault := m.Work(x.name, string(out.Event))
	if fault != "" {
		m.finish(x, types.ExecutionStatusFailed, fault, "the user's state failed")
		return
	}
	if m.Early != nil && m.Early(x.name) {
		m.end(x, nil)
		return
	}
	err = m.state(ctx, func(ctx context.Context, _ int) error {
		return m.publish.Handle(ctx, workflow.PublishInput{Output: json.RawMessage(output), Execution: x.context()})
	})
	if !stopped() {
		m.end(x, err)
	}
}

// state runs a function of the product as its state does, which retries what passes.
func (m *Machine) state(ctx context.Context, do func(ctx context.Context, attempt int) error) (err error) {
	for attempt := range max(m.Attempts, 1) {
		try := func(ctx context.Context) error { return do(ctx, attempt) }
		if m.Function == nil {
			err = try(ctx)
		} else {
			err = m.Function(ctx, try)
		}
		if err == nil {
			return nil
		}
		if fault, _ := name(err); fault != "IngestionServiceUnavailable" && fault != "Sandbox.Timedout" {
			return err
		}
	}
	return err
}

func (m *Machine) redrivesOf(x *execution) int32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return x.redrives
}

// runs reports whether a run of an execution has not ended.
func (m *Machine) runs(x *execution, redrives int32) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return x.status == types.ExecutionStatusRunning && x.redrives == redrives
}

func (m *Machine) end(x *execution, err error) {
	if err == nil {
		m.finish(x, types.ExecutionStatusSucceeded, "", "")
		return
	}
	fault, cause := name(err)
	m.finish(x, types.ExecutionStatusFailed, fault, cause)
}

func (m *Machine) finish(x *execution, status types.ExecutionStatus, fault, cause string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x.status, x.fault, x.cause, x.stopped = status, fault, cause, m.Now()
	m.ends = append(m.ends, end{message: x.pointer(), failed: status == types.ExecutionStatusFailed})
}

// pointer is what the construct's rules make of a status change.
//
// Step Functions gives a succeeded execution a null error, which must not disturb its settling.
func (x *execution) pointer() string {
	fault := fmt.Sprintf("%q", x.fault)
	if x.fault == "" {
		fault = "null"
	}
	return fmt.Sprintf(`{"v":1,"kind":"status","executionArn":%q,"name":%q,"stateMachineArn":%q,"status":%q,"error":%s,`+
		`"startDate":%d,"stopDate":%d,"redriveCount":%d}`, executionARN(x.name), x.name, MachineARN, x.status, fault,
		x.started.UnixMilli(), x.stopped.UnixMilli(), x.redrives)
}

func (m *Machine) takeEnds() []end {
	m.mu.Lock()
	defer m.mu.Unlock()
	ends := m.ends
	m.ends = nil
	return ends
}

// Redrive starts a failed execution again from its beginning.
func (m *Machine) Redrive(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.executions[name]
	x.status, x.stopped, x.fault, x.cause = types.ExecutionStatusRunning, time.Time{}, "", ""
	x.redrives++
	m.ran = 0
}

// Abort stops a running execution, as an operator does.
func (m *Machine) Abort(name string) {
	m.finish(m.executions[name], types.ExecutionStatusAborted, "", "")
}

// Status returns how an execution stands.
func (m *Machine) Status(name string) types.ExecutionStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	if x, ok := m.executions[name]; ok {
		return x.status
	}
	return ""
}

// Names returns the names of all executions with a prefix, in order of their start.
func (m *Machine) Names(prefix string) (names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.order {
		if strings.HasPrefix(n, prefix) {
			names = append(names, n)
		}
	}
	return names
}
