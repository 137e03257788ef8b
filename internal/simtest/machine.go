package simtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
)

// Machine is the ingestion's state machine: Record, one state of the user and Publish.
type Machine struct {
	*awstest.Machine
	world *World

	// Work is the user's state: it returns the output, or the name of an error.
	Work func(execution, event string) (output, fault string)
	// Cause is that of an execution whose user's state failed. nil: the same for all.
	Cause func(execution string) string
	// Early ends an execution after the user's state, without Publish: a Succeed state. nil: none.
	Early func(execution string) bool

	mu   sync.Mutex
	done map[string]finished // by the name of an execution

	Attempts int // of a state of the product, while it says that a service is unavailable; 0: one
}

// finished are the states of an execution that have ended well: a redrive does not repeat them.
type finished struct {
	recorded *protocol.RecordOutput
	worked   *string // the output of the user's state
}

func (m *Machine) finished(name string) finished {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.done[name]
}

func (m *Machine) finish(name string, f finished) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done == nil {
		m.done = map[string]finished{}
	}
	m.done[name] = f
}

// Repeat makes a redrive of an execution begin with Record, which had not ended.
func (m *Machine) Repeat(name string) { m.finish(name, finished{}) }

// End is how an execution ended.
type End struct {
	Message string
	Failed  bool // of the ingestion's state machine
}

// ContextOf is the context of an execution that a state machine passes to the product's functions.
func ContextOf(x awstest.Execution) protocol.ExecutionContext {
	return protocol.ExecutionContext{ARN: x.ARN(), Name: x.Name, StartTime: x.Started, RedriveCount: int(x.Redrives)}
}

// RecordInput is the input that the Record state passes to its function.
func RecordInput(x awstest.Execution) protocol.RecordInput {
	return protocol.RecordInput{Input: json.RawMessage(x.Input), Execution: ContextOf(x)}
}

// Pointer is the message of the construct's rules for a status change. Without an error, it has no field for one.
func Pointer(x awstest.Execution) string {
	fault := ""
	if x.Error != "" {
		fault = fmt.Sprintf(`"error":%q,`, x.Error)
	}
	return fmt.Sprintf(`{"v":1,"kind":"status","executionArn":%q,"name":%q,"stateMachineArn":%q,"status":%q,%s`+
		`"startDate":%d,"stopDate":%d,"redriveCount":%d}`, x.ARN(), x.Name, x.Machine, x.Status, fault,
		x.Started.UnixMilli(), x.Stopped.UnixMilli(), x.Redrives)
}

// RunAll runs every execution that was started to its end, and reports whether there was one.
func (m *Machine) RunAll(ctx context.Context) (ran bool) {
	for m.RunOne(ctx) {
		ran = true
	}
	return ran
}

// RunOne runs the oldest execution that was started to its end, and reports whether there was one.
func (m *Machine) RunOne(ctx context.Context) bool {
	x, ok := m.Next()
	if ok {
		m.Run(ctx, x.Name)
	}
	return ok
}

// Run runs an execution to its end. One that was redriven goes on from the state that failed.
func (m *Machine) Run(ctx context.Context, name string) {
	x := m.Execution(name)
	stopped := func() bool { // by an operator
		now := m.Execution(name)
		return now.Status != types.ExecutionStatusRunning || now.Redrives != x.Redrives
	}
	done := finished{}
	if x.Redrives > 0 {
		done = m.finished(name)
	}
	if done.recorded == nil {
		var out protocol.RecordOutput
		err := m.state(ctx, Record, func(ctx context.Context, attempt int) (err error) {
			in := RecordInput(x)
			in.RetryCount = attempt
			out, err = m.world.Recorder.Handle(ctx, in)
			return err
		})
		if stopped() {
			return
		}
		if err != nil {
			m.end(name, err)
			return
		}
		done.recorded = &out
		m.finish(name, done)
	}
	if done.worked == nil {
		output, fault := m.Work(name, string(done.recorded.Event))
		if fault != "" {
			cause := "the user's state failed"
			if m.Cause != nil {
				cause = m.Cause(name)
			}
			m.Finish(name, types.ExecutionStatusFailed, fault, cause)
			return
		}
		done.worked = &output
		m.finish(name, done)
	}
	m.publish(ctx, x, *done.worked, stopped)
}

// publish runs what follows the user's state.
func (m *Machine) publish(ctx context.Context, x awstest.Execution, output string, stopped func() bool) {
	name := x.Name
	if m.Early != nil && m.Early(name) {
		m.end(name, nil)
		return
	}
	err := m.state(ctx, Publish, func(ctx context.Context, _ int) error {
		return m.world.Publisher.Handle(ctx, protocol.PublishInput{Output: json.RawMessage(output), Execution: ContextOf(x)})
	})
	if !stopped() {
		m.end(name, err)
	}
}

// state runs a function of the product like its state, which retries transient errors.
func (m *Machine) state(ctx context.Context, function string, do func(ctx context.Context, attempt int) error) (err error) {
	for attempt := range max(m.Attempts, 1) {
		err = m.world.Invoke(ctx, function, func(ctx context.Context) error { return do(ctx, attempt) })
		if err == nil {
			return nil
		}
		if fault, _ := FaultOf(err); fault != "IngestionServiceUnavailable" && fault != "Sandbox.Timedout" {
			return err
		}
	}
	return err
}

func (m *Machine) end(name string, err error) {
	if err == nil {
		m.Finish(name, types.ExecutionStatusSucceeded, "", "")
		return
	}
	fault, cause := FaultOf(err)
	m.Finish(name, types.ExecutionStatusFailed, fault, cause)
}

// FaultOf returns the error and the cause that Step Functions would see.
func FaultOf(err error) (fault, cause string) {
	var named messages.InvokeResponse_Error
	if errors.As(err, &named) {
		return named.Type, named.Message
	}
	return "Lambda.Unknown", err.Error()
}

// TakeEnds takes the ends that EventBridge must report.
func (m *Machine) TakeEnds() []End { return takeEnds(m.Machine) }

func takeEnds(m *awstest.Machine) (ends []End) {
	for _, x := range m.Ended() {
		ends = append(ends, End{Message: Pointer(x), Failed: m.ARN == MachineARN && x.Status == types.ExecutionStatusFailed})
	}
	return ends
}
