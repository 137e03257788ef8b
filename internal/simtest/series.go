package simtest

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/listener"
)

// Series does what the Series state machine does: it asks about each version in turn and runs it to its end.
type Series struct {
	*awstest.Machine
	world *World

	// Before is called ahead of each version; when it returns false, an operator aborts the execution there.
	Before func(execution string, index int) bool

	// Between is called when a version is bound and about to start, or could not be; when it returns false, an operator
	// aborts the execution there.
	Between func() bool

	// Await waits for the end of the execution of a version; by default it runs all that were started.
	Await func(ctx context.Context, execution string)

	// Sleep is the Wait state.
	Sleep func(time.Duration)
}

// RunAll runs every execution that was started to its end, and reports whether there was one.
func (s *Series) RunAll(ctx context.Context) (ran bool) {
	for {
		x, ok := s.Next()
		if !ok {
			return ran
		}
		s.Run(ctx, x.Name)
		ran = true
	}
}

// Run runs an execution to its end.
func (s *Series) Run(ctx context.Context, name string) {
	var in listener.SeriesInput
	if err := json.Unmarshal([]byte(s.Execution(name).Input), &in); err != nil {
		s.Finish(name, types.ExecutionStatusFailed, "States.Runtime", "")
		return
	}
	for _, i := range in.Indexes {
		if !s.Before(name, i) {
			s.Abort(name)
			return
		}
		each := in
		each.Execution, each.Index, each.Indexes = name, i, nil
		status, fault := s.version(ctx, each)
		if s.Status(name) != types.ExecutionStatusRunning { // stopped by an operator
			return
		}
		if status != types.ExecutionStatusSucceeded {
			s.Finish(name, status, fault, "")
			return
		}
	}
	s.Finish(name, types.ExecutionStatusSucceeded, "", "")
}

// bindTries is how often the Map state asks about a version; the construct's definition tries more often.
const bindTries = 3

// version is an iteration of the Map state.
func (s *Series) version(ctx context.Context, in listener.SeriesInput) (types.ExecutionStatus, string) {
	for {
		var order listener.SeriesOrder
		var err error
		for range bindTries {
			err = s.world.Invoke(ctx, ReplaySeries, func(ctx context.Context) (err error) {
				order, err = s.world.Binder.BindVersion(ctx, in)
				return err
			})
			if err == nil {
				break
			}
			if s.Between != nil && !s.Between() {
				return types.ExecutionStatusAborted, ""
			}
		}
		if err != nil {
			fault, _ := FaultOf(err)
			return types.ExecutionStatusFailed, fault
		}
		switch order.Decision {
		case "stop":
			return types.ExecutionStatusFailed, "SeriesStopped"
		case "wait":
			s.Sleep(time.Duration(order.WaitSeconds) * time.Second)
			in.Previous = order
			continue
		case "run", "runAndContinue":
			if s.Between != nil && !s.Between() {
				return types.ExecutionStatusAborted, ""
			}
			if err := s.world.Machine.Start(order.Name, string(order.Input)); err != nil {
				return types.ExecutionStatusSucceeded, "" // it exists: caught
			}
			s.Await(ctx, order.Name)
			if s.world.Machine.Status(order.Name) != types.ExecutionStatusSucceeded && order.Decision == "run" {
				return types.ExecutionStatusFailed, "States.TaskFailed"
			}
		}
		return types.ExecutionStatusSucceeded, ""
	}
}

// TakeEnds takes the ends that EventBridge must report.
func (s *Series) TakeEnds() []End { return takeEnds(s.Machine) }
