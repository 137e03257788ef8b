package awstest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// States is Step Functions.
type States []*Machine

func (s States) machine(arn *string) (*Machine, error) {
	i := slices.IndexFunc(s, func(m *Machine) bool { return m.ARN == aws.ToString(arn) })
	if i < 0 {
		return nil, &types.StateMachineDoesNotExist{Message: arn}
	}
	return s[i], nil
}

func (s States) execution(arn *string) (*Machine, Execution, error) {
	for _, m := range s {
		if name, ok := strings.CutPrefix(aws.ToString(arn), m.ExecutionARN("")); ok && m.Status(name) != "" {
			return m, m.Execution(name), nil
		}
	}
	return nil, Execution{}, &types.ExecutionDoesNotExist{Message: arn}
}

// StartExecution is Step Functions'.
func (s States) StartExecution(ctx context.Context, in *sfn.StartExecutionInput, _ ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error) {
	m, err := s.machine(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	if m.OnStart != nil && m.Status(*in.Name) == "" {
		m.OnStart(ctx, *in.Name, *in.Input)
	}
	var fault error
	if m.StartFault != nil {
		var after bool
		if fault, after = m.StartFault(*in.Name); fault != nil && !after {
			return nil, fault
		}
	}
	if err := m.Start(*in.Name, *in.Input); err != nil {
		return nil, err
	}
	x := m.Execution(*in.Name)
	return &sfn.StartExecutionOutput{ExecutionArn: aws.String(x.ARN()), StartDate: &x.Started}, fault
}

// DescribeExecution is Step Functions'.
func (s States) DescribeExecution(_ context.Context, in *sfn.DescribeExecutionInput, _ ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error) {
	m, x, err := s.execution(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.Describes++
	m.mu.Unlock()
	out := &sfn.DescribeExecutionOutput{
		ExecutionArn: in.ExecutionArn, StateMachineArn: &x.Machine, Name: &x.Name, Status: x.Status, StartDate: &x.Started,
		Input: &x.Input, RedriveCount: aws.Int32(x.Redrives), Error: &x.Error, Cause: &x.Cause,
	}
	if !x.Stopped.IsZero() {
		out.StopDate = &x.Stopped
	}
	m.mu.Lock()
	why := m.unredrivable(x)
	m.mu.Unlock()
	out.RedriveStatus = types.ExecutionRedriveStatusRedrivable
	if why != "" {
		out.RedriveStatus, out.RedriveStatusReason = types.ExecutionRedriveStatusNotRedrivable, &why
	}
	return out, nil
}

// Machine is a state machine, whose executions a test runs and ends.
type Machine struct {
	ARN string
	Now func() time.Time // the clock of Step Functions

	// StartFault makes StartExecution fail. After means that the call still takes effect. nil: no faults.
	StartFault func(execution string) (err error, after bool)
	// OnRedrive sees each execution before it is redriven by a function; may be nil.
	OnRedrive func(ctx context.Context, name string)
	// Unredrivable has Step Functions' reasons why executions cannot be redriven, by name of the execution.
	Unredrivable map[string]string
	// OnStart sees each execution before it is started by a function; may be nil.
	OnStart func(ctx context.Context, name, input string)

	mu         sync.Mutex
	executions map[string]*Execution
	order      []string
	lastEvent  time.Time      // when the last live execution started
	ran        int            // executions before this index were returned by Next, or have ended
	Starts     map[string]int // successful calls of StartExecution that started something, by name
	Redriven   map[string]int // calls of RedriveExecution that redrove something, by name
	tokens     map[string][]clientToken
	Lists      int // calls of ListExecutions
	Describes  int // calls of DescribeExecution
	PageSize   int // of ListExecutions; 0: as many as requested
	ended      []Execution
}

// Execution is one execution.
type Execution struct {
	Name     string
	Machine  string // the ARN of its state machine
	Input    string
	Started  time.Time
	Stopped  time.Time // zero while it runs
	Redrives int32
	Status   types.ExecutionStatus
	Error    string
	Cause    string
}

// ARN is the ARN of the execution.
func (x Execution) ARN() string {
	return strings.Replace(x.Machine, ":stateMachine:", ":execution:", 1) + ":" + x.Name
}

// NewMachine returns a state machine without executions.
func NewMachine(arn string) *Machine {
	return &Machine{ARN: arn, Now: time.Now, executions: map[string]*Execution{}, Starts: map[string]int{}, Redriven: map[string]int{}, tokens: map[string][]clientToken{},
		Unredrivable: map[string]string{}}
}

// ExecutionARN is the ARN of the execution with a name.
func (m *Machine) ExecutionARN(name string) string {
	return Execution{Name: name, Machine: m.ARN}.ARN()
}

// Start starts an execution.
func (m *Machine) Start(name, input string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if x, used := m.executions[name]; used {
		if x.Input == input && x.Status == types.ExecutionStatusRunning {
			return nil // Step Functions responds as if it had started one, and starts nothing
		}
		return &types.ExecutionAlreadyExists{Message: aws.String(name)}
	}
	started := m.Now()
	if next := m.lastEvent.Add(time.Millisecond); !domain.IsReplayName(name) && !strings.HasPrefix(name, domain.SeriesPrefix) {
		if started.Before(next) { // no two events start at the same time, so one is always older
			started = next
		}
		m.lastEvent = started
	}
	m.put(Execution{Name: name, Input: input, Started: started, Status: types.ExecutionStatusRunning})
	m.Starts[name]++
	return nil
}

func (m *Machine) put(x Execution) {
	x.Machine = m.ARN
	if _, known := m.executions[x.Name]; !known {
		m.order = append(m.order, x.Name)
	}
	m.executions[x.Name] = &x
}

// Put adds or replaces an execution that a test has made.
func (m *Machine) Put(x Execution) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(x)
	m.ran = 0
}

// Forget removes an execution.
func (m *Machine) Forget(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.executions, name)
	m.order = slices.DeleteFunc(m.order, func(n string) bool { return n == name })
	m.ran = 0
}

// Next returns the oldest running execution that it has not returned before.
func (m *Machine) Next() (x Execution, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for ; m.ran < len(m.order) && !ok; m.ran++ {
		x = *m.executions[m.order[m.ran]]
		ok = x.Status == types.ExecutionStatusRunning
	}
	return x, ok
}

// Finish ends an execution.
func (m *Machine) Finish(name string, status types.ExecutionStatus, fault, cause string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.executions[name]
	x.Status, x.Error, x.Cause, x.Stopped = status, fault, cause, m.Now()
	m.ended = append(m.ended, *x)
}

// Abort stops a running execution, as an operator does.
func (m *Machine) Abort(name string) { m.Finish(name, types.ExecutionStatusAborted, "", "") }

// Ended returns the executions that have ended since its last call, in the order of their ends.
func (m *Machine) Ended() []Execution {
	m.mu.Lock()
	defer m.mu.Unlock()
	ended := m.ended
	m.ended = nil
	return ended
}

// Execution returns a copy of an execution, or the zero value if it does not exist.
func (m *Machine) Execution(name string) Execution {
	m.mu.Lock()
	defer m.mu.Unlock()
	if x, ok := m.executions[name]; ok {
		return *x
	}
	return Execution{}
}

// Status returns the status of an execution, or an empty one if it does not exist.
func (m *Machine) Status(name string) types.ExecutionStatus { return m.Execution(name).Status }

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
