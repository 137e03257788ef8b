package sfn_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/awstest"
)

func TestRedrive(t *testing.T) {
	const arn = "arn:aws:states:eu-west-1:1:stateMachine:m"
	at := time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC)
	failed := func(stopped time.Time) awstest.Execution {
		return awstest.Execution{Name: "x", Status: types.ExecutionStatusFailed, Stopped: stopped}
	}
	for _, tt := range []struct {
		name   string
		x      awstest.Execution
		want   error
		reason string // of a description too
	}{
		{name: "it failed", x: failed(at.Add(-14 * 24 * time.Hour))},
		{name: "it failed 15 days ago", x: failed(at.Add(-15 * 24 * time.Hour)), want: sfn.ErrNotRedrivable, reason: "period exceeded"},
		{name: "it has succeeded", x: awstest.Execution{Name: "x", Status: types.ExecutionStatusSucceeded}, want: sfn.ErrNotRedrivable, reason: "SUCCEEDED"},
		{name: "it runs", x: awstest.Execution{Name: "x", Status: types.ExecutionStatusRunning}, want: sfn.ErrNotRedrivable, reason: "RUNNING"},
		{name: "there is none", x: awstest.Execution{Name: "other"}, want: sfn.ErrNotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fake := awstest.NewMachine(arn)
			fake.Now = func() time.Time { return at }
			fake.Put(tt.x)
			m := sfn.New(awstest.States{fake}, arn)
			if d, err := m.Describe(t.Context(), "x"); err == nil && (d.Unredrivable == "") != (tt.want == nil) || !strings.Contains(d.Unredrivable, tt.reason) && err == nil {
				t.Errorf("described as %q, want %q", d.Unredrivable, tt.reason)
			}
			err := m.Redrive(t.Context(), "x", "token")
			if !errors.Is(err, tt.want) || tt.reason != "" && !strings.Contains(err.Error(), tt.reason) {
				t.Fatalf("got %v, want %v with %q", err, tt.want, tt.reason)
			}
			if tt.want != nil {
				return
			}
			if x := fake.Execution("x"); x.Redrives != 1 || x.Status != types.ExecutionStatusRunning {
				t.Errorf("got %+v, want it redriven", x)
			}
			if err := m.Redrive(t.Context(), "x", "token"); err != nil || fake.Execution("x").Redrives != 1 {
				t.Errorf("the same token: got %v after %d redrives, want the first answer again", err, fake.Execution("x").Redrives)
			}
			if err := m.Redrive(t.Context(), "x", "another"); !errors.Is(err, sfn.ErrNotRedrivable) {
				t.Errorf("another token while it runs: got %v, want it refused", err)
			}
		})
	}
}
