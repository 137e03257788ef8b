package awstest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// Bounds of RedriveExecution (Step Functions API Reference).
const (
	tokensKept  = 10 // client tokens that an execution remembers
	tokenLife   = 15 * time.Minute
	maxRedrives = 1000
)

// clientToken is a token with which an execution was redriven.
type clientToken struct {
	text string
	at   time.Time
}

// RedriveExecution is Step Functions'.
func (s States) RedriveExecution(ctx context.Context, in *sfn.RedriveExecutionInput, _ ...func(*sfn.Options)) (*sfn.RedriveExecutionOutput, error) {
	m, x, err := s.execution(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	if m.OnRedrive != nil {
		m.OnRedrive(ctx, x.Name)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.Now()
	used := func(t clientToken) bool { return t.text == aws.ToString(in.ClientToken) && now.Sub(t.at) <= tokenLife }
	if in.ClientToken != nil && slices.ContainsFunc(m.tokens[x.Name], used) {
		return &sfn.RedriveExecutionOutput{RedriveDate: &now}, nil
	}
	if why := m.unredrivable(*m.executions[x.Name]); why != "" {
		return nil, &types.ExecutionNotRedrivable{Message: &why}
	}
	if in.ClientToken != nil {
		kept := append(m.tokens[x.Name], clientToken{*in.ClientToken, now})
		m.tokens[x.Name] = kept[max(len(kept)-tokensKept, 0):]
	}
	m.redrive(x.Name)
	m.Redriven[x.Name]++
	return &sfn.RedriveExecutionOutput{RedriveDate: &now}, nil
}

// unredrivable says why an execution cannot be redriven, "" if it can.
func (m *Machine) unredrivable(x Execution) string {
	switch {
	case x.Status == types.ExecutionStatusRunning || x.Status == types.ExecutionStatusSucceeded:
		return fmt.Sprintf("Execution is %s and cannot be redriven", x.Status)
	case m.Now().Sub(x.Stopped) > domain.RedrivableFor:
		return "Execution redrivable period exceeded"
	case x.Redrives >= maxRedrives:
		return "Execution redrive limit exceeded"
	}
	return m.Unredrivable[x.Name]
}

// Redrive lets a failed execution go on from the state that failed.
func (m *Machine) Redrive(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.redrive(name)
}

func (m *Machine) redrive(name string) {
	x := m.executions[name]
	x.Status, x.Stopped, x.Error, x.Cause = types.ExecutionStatusRunning, time.Time{}, "", ""
	x.Redrives++
	m.ran = 0
}
