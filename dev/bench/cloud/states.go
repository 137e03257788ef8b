package cloud

import (
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"
)

// Execution is one execution of one of the state machines.
type Execution struct {
	Name    string
	Machine string
	Input   string
	Started time.Time
	Stopped time.Time // zero while it runs
	Status  types.ExecutionStatus
	Error   string
	Cause   string
}

// ARN is an execution's.
func (x *Execution) ARN() string {
	return strings.Replace(x.Machine, ":stateMachine:", ":execution:", 1) + ":" + x.Name
}

// States is Step Functions: it takes executions, which its user runs.
type States struct {
	mu         sync.Mutex
	executions map[string]*Execution // by ARN
	waiting    []*Execution          // not taken yet
	forget     bool

	perSecond float64 // 0: no limit
	tokens    float64
	filled    time.Time
	Started   int
	Throttled int
}

func newStates(perSecond float64) *States {
	return &States{executions: map[string]*Execution{}, perSecond: perSecond, filled: time.Now(), tokens: burst(perSecond)}
}

// burst is what a second refills. That of an account is five seconds' worth, which would hide the limit for as long.
func burst(perSecond float64) float64 { return perSecond }

// Forget lets executions be counted and not kept, where none is run.
func (s *States) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget = true
}

// allowed takes a token out of the bucket.
func (s *States) allowed() bool {
	if s.perSecond == 0 {
		return true
	}
	now := time.Now()
	s.tokens = min(burst(s.perSecond), s.tokens+now.Sub(s.filled).Seconds()*s.perSecond)
	s.filled = now
	if s.tokens < 1 {
		s.Throttled++
		return false
	}
	s.tokens--
	return true
}

// Start starts an execution of a state machine.
func (s *States) Start(machine, name, input string) error {
	_, err := s.start(&sfn.StartExecutionInput{StateMachineArn: &machine, Name: &name, Input: &input})
	return err
}

func (s *States) start(in *sfn.StartExecutionInput) (*sfn.StartExecutionOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.allowed() {
		return nil, &smithy.GenericAPIError{Code: "ThrottlingException", Message: "Rate exceeded"}
	}
	x := &Execution{
		Name: *in.Name, Machine: *in.StateMachineArn, Input: *in.Input, Started: time.Now().Truncate(time.Millisecond),
		Status: types.ExecutionStatusRunning,
	}
	arn := x.ARN()
	s.Started++
	if s.forget {
		return &sfn.StartExecutionOutput{ExecutionArn: &arn, StartDate: &x.Started}, nil
	}
	if _, used := s.executions[arn]; used {
		s.Started--
		return nil, &types.ExecutionAlreadyExists{Message: aws.String(x.Name)}
	}
	s.executions[arn] = x
	s.waiting = append(s.waiting, x)
	return &sfn.StartExecutionOutput{ExecutionArn: &arn, StartDate: &x.Started}, nil
}

// Take takes the executions that were started since the last call.
func (s *States) Take() []*Execution {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.waiting
	s.waiting = nil
	return all
}

// Starts returns how many executions were started, and how many were throttled.
func (s *States) Starts() (started, throttled int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Started, s.Throttled
}

// End ends an execution. An empty error is success.
func (s *States) End(x *Execution, fault, cause string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.Status, x.Error, x.Cause = types.ExecutionStatusSucceeded, fault, cause
	if fault != "" {
		x.Status = types.ExecutionStatusFailed
	}
	x.Stopped = time.Now().Truncate(time.Millisecond)
}

func (s *States) describe(in *sfn.DescribeExecutionInput) (*sfn.DescribeExecutionOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ok := s.executions[*in.ExecutionArn]
	if !ok {
		return nil, &types.ExecutionDoesNotExist{Message: in.ExecutionArn}
	}
	out := &sfn.DescribeExecutionOutput{
		ExecutionArn: in.ExecutionArn, Name: &x.Name, StateMachineArn: &x.Machine, Status: x.Status, StartDate: &x.Started,
		Input: &x.Input, Error: given(x.Error), Cause: given(x.Cause), RedriveCount: aws.Int32(0),
	}
	if !x.Stopped.IsZero() {
		out.StopDate = &x.Stopped
	}
	return out, nil
}

// What else the functions ask for: no execution has ended unreported, and the history of a failed one is empty.
var (
	noExecutions = &sfn.ListExecutionsOutput{Executions: []types.ExecutionListItem{}}
	noHistory    = &sfn.GetExecutionHistoryOutput{Events: []types.HistoryEvent{}}
)
