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

	"github.com/ce873799/replayable-ingestion/internal/listener"
)

// SeriesMachineARN is the Series state machine of the engine.
const SeriesMachineARN = "arn:aws:states:us-east-1:000000000000:stateMachine:series"

// Series does what the Series state machine does: it asks about each version in turn and runs it to its end.
type Series struct {
	bind    func(context.Context, listener.SeriesInput) (listener.SeriesOrder, error)
	machine *Machine

	// Before is called ahead of each version; when it returns false, an operator aborts the execution there.
	Before func(execution string, index int) bool

	// Between is called when a version is bound and about to start, or could not be; when it returns false, an operator
	// aborts the execution there.
	Between func() bool

	// Await waits for the end of the execution of a version; by default it runs all that were started.
	Await func(ctx context.Context, execution string)

	// Sleep is the Wait state.
	Sleep func(time.Duration)

	faults     *Faults
	mu         sync.Mutex
	executions map[string]*execution
	order      []string
	ends       []string
}

func seriesARN(name string) string {
	return strings.Replace(SeriesMachineARN, ":stateMachine:", ":execution:", 1) + ":" + name
}

// StartExecution is Step Functions'.
func (s *Series) StartExecution(_ context.Context, in *sfn.StartExecutionInput, _ ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, used := s.executions[*in.Name]; used {
		return nil, &types.ExecutionAlreadyExists{Message: in.Name}
	}
	s.executions[*in.Name] = &execution{
		name: *in.Name, input: *in.Input, started: time.Now(), status: types.ExecutionStatusRunning,
	}
	s.order = append(s.order, *in.Name)
	return &sfn.StartExecutionOutput{ExecutionArn: aws.String(seriesARN(*in.Name))}, nil
}

// DescribeExecution is Step Functions'.
func (s *Series) DescribeExecution(_ context.Context, in *sfn.DescribeExecutionInput, _ ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ok := s.executions[(*in.ExecutionArn)[strings.LastIndex(*in.ExecutionArn, ":")+1:]]
	if !ok {
		return nil, &types.ExecutionDoesNotExist{}
	}
	out := &sfn.DescribeExecutionOutput{
		ExecutionArn: in.ExecutionArn, Name: &x.name, Status: x.status, StartDate: &x.started, Error: &x.fault,
	}
	if !x.stopped.IsZero() {
		out.StopDate = &x.stopped
	}
	return out, nil
}

// RunAll runs every execution that was started to its end.
func (s *Series) RunAll(ctx context.Context) {
	for {
		s.mu.Lock()
		var next *execution
		for _, name := range s.order {
			if x := s.executions[name]; x.status == types.ExecutionStatusRunning {
				next = x
				break
			}
		}
		s.mu.Unlock()
		if next == nil {
			return
		}
		s.run(ctx, next)
	}
}

func (s *Series) run(ctx context.Context, x *execution) {
	var in listener.SeriesInput
	if err := json.Unmarshal([]byte(x.input), &in); err != nil {
		s.finish(x, types.ExecutionStatusFailed, "States.Runtime")
		return
	}
	for _, i := range in.Indexes {
		if !s.Before(x.name, i) {
			s.finish(x, types.ExecutionStatusAborted, "")
			return
		}
		each := in
		each.Index, each.Indexes = i, nil
		status, fault := s.version(ctx, each)
		if s.Status(x.name) != types.ExecutionStatusRunning { // stopped by an operator
			return
		}
		if status != types.ExecutionStatusSucceeded {
			s.finish(x, status, fault)
			return
		}
	}
	s.finish(x, types.ExecutionStatusSucceeded, "")
}

// bindTries is how often the Map state asks about a version; the construct's definition tries more often.
const bindTries = 3

// version is one iteration of the Map state.
func (s *Series) version(ctx context.Context, in listener.SeriesInput) (types.ExecutionStatus, string) {
	for {
		var order listener.SeriesOrder
		var err error
		for range bindTries {
			if died := s.faults.During(func() { order, err = s.bind(ctx, in) }); !died && err == nil {
				break
			}
			if s.Between != nil && !s.Between() {
				return types.ExecutionStatusAborted, ""
			}
		}
		if err != nil {
			fault, _ := name(err)
			return types.ExecutionStatusFailed, fault
		}
		switch order.Decision {
		case "stop":
			return types.ExecutionStatusFailed, "SeriesStopped"
		case "wait":
			s.Sleep(time.Duration(order.WaitSeconds) * time.Second)
			in.Bound = order
			continue
		case "run", "runAndContinue":
			if s.Between != nil && !s.Between() {
				return types.ExecutionStatusAborted, ""
			}
			if err := s.machine.start(order.Name, string(order.Input)); err != nil {
				return types.ExecutionStatusSucceeded, "" // it exists: caught
			}
			s.Await(ctx, order.Name)
			if s.machine.Status(order.Name) != types.ExecutionStatusSucceeded && order.Decision == "run" {
				return types.ExecutionStatusFailed, "States.TaskFailed"
			}
		}
		return types.ExecutionStatusSucceeded, ""
	}
}

func (s *Series) finish(x *execution, status types.ExecutionStatus, fault string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.status, x.fault, x.stopped = status, fault, time.Now()
	text, err := json.Marshal(fault)
	if err != nil {
		text = []byte("null")
	}
	s.ends = append(s.ends, fmt.Sprintf(`{"v":1,"kind":"status","executionArn":%q,"name":%q,"stateMachineArn":%q,"status":%q,`+
		`"error":%s,"startDate":%d,"stopDate":%d,"redriveCount":0}`, seriesARN(x.name), x.name, SeriesMachineARN, status, text,
		x.started.UnixMilli(), x.stopped.UnixMilli()))
}

// Status returns how an execution stands.
func (s *Series) Status(name string) types.ExecutionStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.executions[name].status
}

// Abort stops a running execution, as an operator does.
func (s *Series) Abort(name string) {
	s.mu.Lock()
	x := s.executions[name]
	s.mu.Unlock()
	s.finish(x, types.ExecutionStatusAborted, "")
}

func (s *Series) takeEnds() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ends := s.ends
	s.ends = nil
	return ends
}

// Input returns the input of the first execution.
func (s *Series) Input() (in listener.SeriesInput, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) == 0 {
		return in, nil
	}
	if err := json.Unmarshal([]byte(s.executions[s.order[0]].input), &in); err != nil {
		return in, fmt.Errorf("series input: %w", err)
	}
	return in, nil
}
