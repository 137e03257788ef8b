package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// fake is Step Functions and EventBridge, with the emulator's paging.
type fake struct {
	mu     sync.Mutex
	execs  []types.ExecutionListItem
	again  map[string]bool // names of executions that were redriven
	input  string
	put    []string // names, in the order of the events
	calls  int      // PutEvents
	listed int      // executions that ListExecutions returned
	refuse string   // name of an execution whose next event is refused
}

var epoch = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

func (f *fake) add(name string, status types.ExecutionStatus, stopped int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := types.ExecutionListItem{
		ExecutionArn: aws.String("x:" + name), StateMachineArn: aws.String("m"), Name: &name, Status: status, StartDate: &epoch,
	}
	if status != types.ExecutionStatusRunning {
		e.StopDate = aws.Time(epoch.Add(time.Duration(stopped) * time.Second))
	}
	i := slices.IndexFunc(f.execs, func(x types.ExecutionListItem) bool { return *x.Name == name })
	if i >= 0 {
		f.execs[i] = e
		return
	}
	f.execs = append(f.execs, e)
}

func (f *fake) ListExecutions(_ context.Context, in *sfn.ListExecutionsInput, _ ...func(*sfn.Options)) (*sfn.ListExecutionsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	execs := slices.Clone(f.execs)
	if in.RedriveFilter == types.ExecutionRedriveFilterRedriven {
		execs = slices.DeleteFunc(execs, func(e types.ExecutionListItem) bool { return !f.again[*e.Name] })
	}
	from, _ := strconv.Atoi(aws.ToString(in.NextToken))
	to := min(len(execs), from+3) // small pages
	out := &sfn.ListExecutionsOutput{Executions: execs[from:to]}
	if to < len(execs) {
		out.NextToken = aws.String(strconv.Itoa(to))
	}
	f.listed += to - from
	return out, nil
}

func (f *fake) DescribeExecution(_ context.Context, in *sfn.DescribeExecutionInput, _ ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.execs {
		if *e.ExecutionArn == *in.ExecutionArn {
			return &sfn.DescribeExecutionOutput{
				ExecutionArn: e.ExecutionArn, StateMachineArn: e.StateMachineArn, Name: e.Name, Status: e.Status,
				StartDate: e.StartDate, StopDate: e.StopDate, Input: &f.input,
			}, nil
		}
	}
	return nil, errors.New("no such execution")
}

func (f *fake) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	out := &eventbridge.PutEventsOutput{}
	for _, e := range in.Entries {
		var d detail
		if err := json.Unmarshal([]byte(*e.Detail), &d); err != nil {
			return nil, err
		}
		if d.Name == f.refuse {
			f.refuse = ""
			out.Entries = append(out.Entries, eventtypes.PutEventsResultEntry{ErrorCode: aws.String("InternalFailure")})
			continue
		}
		f.put = append(f.put, d.Name)
		out.Entries = append(out.Entries, eventtypes.PutEventsResultEntry{EventId: aws.String("1")})
	}
	return out, nil
}

// idle returns a bridge that looks only when a test makes it.
func idle(t *testing.T, f *fake) *Bridge {
	t.Helper()
	b := Start(Config{StepFunctions: f, Events: f, StateMachines: []string{"m"}, Interval: time.Hour})
	t.Cleanup(b.Stop)
	return b
}

func look(t *testing.T, b *Bridge) {
	t.Helper()
	if err := b.look(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestEveryEndIsDeliveredOnceInTheOrderOfEnding(t *testing.T) {
	f := &fake{}
	b := idle(t, f)
	f.add("a", types.ExecutionStatusSucceeded, 9)
	f.add("b", types.ExecutionStatusRunning, 0)
	f.add("c", types.ExecutionStatusFailed, 3)
	f.add("d", types.ExecutionStatusAborted, 5)
	look(t, b)
	look(t, b)
	f.add("b", types.ExecutionStatusTimedOut, 12)
	f.add("e", types.ExecutionStatusSucceeded, 11)
	look(t, b)
	look(t, b)
	if got, want := strings.Join(f.put, ""), "cdaeb"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := b.Stats(); got != (Stats{Delivered: 5}) {
		t.Errorf("got %+v, want 5 delivered", got)
	}
}

func TestTheEndAfterARedriveIsDeliveredToo(t *testing.T) {
	f := &fake{again: map[string]bool{}}
	b := idle(t, f)
	f.add("a", types.ExecutionStatusFailed, 1)
	f.add("b", types.ExecutionStatusFailed, 2)
	look(t, b)
	look(t, b) // finds that all are done
	f.again["a"] = true
	f.add("a", types.ExecutionStatusRunning, 0)
	look(t, b)
	f.add("a", types.ExecutionStatusFailed, 3)
	look(t, b)
	look(t, b)
	f.add("a", types.ExecutionStatusSucceeded, 4)
	look(t, b)
	look(t, b)
	if got, want := strings.Join(f.put, ""), "abaa"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAMachineThatIsAddedTwiceIsConnectedOnce(t *testing.T) {
	f := &fake{}
	b := idle(t, f)
	f.add("a", types.ExecutionStatusSucceeded, 1)
	look(t, b)
	b.Add("m")
	look(t, b)
	if got := strings.Join(f.put, ""); got != "a" {
		t.Errorf("got events of %q, want one of a", got)
	}
}

func TestAPollReadsOnlyOpenAndNewExecutions(t *testing.T) {
	f := &fake{}
	b := idle(t, f)
	for i := range 100 {
		f.add(fmt.Sprint(i), types.ExecutionStatusSucceeded, i)
	}
	look(t, b)
	if f.calls != 10 {
		t.Errorf("got %d calls for 100 events, want 10", f.calls)
	}
	look(t, b) // finds that all are done
	f.listed = 0
	look(t, b)
	if f.listed != 0 {
		t.Errorf("got %d executions listed with nothing open, want 0", f.listed)
	}
	f.add("new", types.ExecutionStatusSucceeded, 200)
	look(t, b)
	if f.listed != 1 || f.put[100] != "new" {
		t.Errorf("got %d listed, %v, want only the new one", f.listed, f.put[100:])
	}
}

func TestModes(t *testing.T) {
	tests := []struct {
		name string
		mode Mode
		want string
	}{
		{"held ends come later", Hold, "ab"},
		{"dropped ends never come", Drop, "b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{}
			b := idle(t, f)
			b.SetMode(tt.mode)
			f.add("a", types.ExecutionStatusSucceeded, 1)
			look(t, b)
			if len(f.put) > 0 {
				t.Errorf("got %v while switched off", f.put)
			}
			b.SetMode(Deliver)
			f.add("b", types.ExecutionStatusSucceeded, 2)
			look(t, b)
			if got := strings.Join(f.put, ""); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRefusedEventIsPutAgainAndNoOther(t *testing.T) {
	f := &fake{refuse: "b"}
	b := idle(t, f)
	for i, name := range []string{"a", "b", "c"} {
		f.add(name, types.ExecutionStatusSucceeded, i)
	}
	if err := b.look(t.Context()); err == nil {
		t.Error("got no error, want the refusal")
	}
	look(t, b)
	if got, want := strings.Join(f.put, ""), "acb"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestDetailLeavesOutWhatIsTooLarge(t *testing.T) {
	small, large := "{}", strings.Repeat("x", maxData)
	tests := []struct {
		name          string
		input, output *string
		wantIn        bool
		wantOut       *data
	}{
		{"both fit", &small, &small, true, &data{true}},
		{"a large input", &large, &small, false, &data{true}},
		{"a large output", &small, &large, false, &data{false}},
		{"a failure has no output", &small, nil, true, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := describe(&sfn.DescribeExecutionOutput{Input: tt.input, Output: tt.output})
			if d.InputDetails.Included != tt.wantIn || (d.Input != nil) != tt.wantIn {
				t.Errorf("got input details %+v, want %t", d.InputDetails, tt.wantIn)
			}
			if (d.OutputDetails == nil) != (tt.wantOut == nil) || tt.wantOut != nil && *d.OutputDetails != *tt.wantOut {
				t.Errorf("got output details %+v, want %+v", d.OutputDetails, tt.wantOut)
			}
		})
	}
}

func TestDetailIsNullWithoutAnErrorAndCountsRedrives(t *testing.T) {
	b, err := json.Marshal(describe(&sfn.DescribeExecutionOutput{}))
	if err != nil {
		t.Fatal(err)
	}
	if s := string(b); !strings.Contains(s, `"error":null,"cause":null,"redriveCount":0`) {
		t.Errorf("got %s", s)
	}
}
