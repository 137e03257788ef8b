package workflows_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/test/workflows"
)

const patience = 90 * time.Second

func TestWorkflows(t *testing.T) {
	ran := 0
	for _, c := range workflows.Cases() {
		if c.NotRun == "" {
			ran++
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if c.NotRun != "" {
				t.Logf("deployed and linted only: %s", c.NotRun)
				return
			}
			r := &runner{Case: c, parts: sys.parts[c.Name]}
			r.publishes(t)
			r.failsAndIsReplayed(t)
		})
	}
	if ran < 20 {
		t.Errorf("%d workflows run, want 20 or more", ran)
	}
}

// runner runs one workflow.
type runner struct {
	workflows.Case
	parts config.Manifest
}

// publishes lets events that succeed through, and counts their state transitions.
func (r *runner) publishes(t *testing.T) {
	events := map[string]string{r.Good: r.Want}
	maps.Copy(events, r.More)
	for _, quiet := range r.Quiet {
		events[quiet] = ""
	}
	for text, want := range events {
		id := fresh(r.Name)
		event := workflows.Event(text, id)
		name := "live-" + id
		out := start(t, r.parts.StateMachineARN, name, event)
		if out.Status != types.ExecutionStatusSucceeded {
			t.Fatalf("%s: %s with %s: %s", event, out.Status, aws.ToString(out.Error), aws.ToString(out.Cause))
		}
		r.published(t, name, id, want, "false")
		r.costs(t, out, event, id)
	}
}

// costs compares the execution with the same event's in the bare workflow, which has its own publish step.
func (r *runner) costs(t *testing.T, out *sfn.DescribeExecutionOutput, event, id string) {
	t.Helper()
	if r.Exempt != "" {
		return
	}
	name := r.Name
	if r.Like != "" {
		name = r.Like
	}
	bare := start(t, sys.bare[name], "bare-"+id, event)
	if bare.Status != types.ExecutionStatusSucceeded {
		t.Fatalf("the bare workflow: %s with %s: %s", bare.Status, aws.ToString(bare.Error), aws.ToString(bare.Cause))
	}
	if got, want := transitions(t, out), transitions(t, bare); got != want+1 || want < 1 {
		t.Errorf("%s: got %d state transitions, want one more than the bare workflow's %d", event, got, want)
	}
}

// failsAndIsReplayed lets an event fail, and heals it: by a replay that patches it, or by auto-replay.
func (r *runner) failsAndIsReplayed(t *testing.T) {
	id := fresh(r.Name)
	name := "live-" + id
	r.fails(t, name, workflows.Event(r.Bad, id), r.Error)
	for text, want := range r.Fails {
		other := fresh(r.Name)
		r.fails(t, "live-"+other, workflows.Event(text, other), want)
	}
	want := r.Want
	if r.WantBad != "" {
		want = r.WantBad
	}
	if r.Patch == "" {
		again := domain.AutoName(name, 1)
		r.autoReplay(t, again)
		r.published(t, again, id, want, "true")
		return
	}
	api, err := observe.Connect(r.parts.APIURL, sys.Config(), nil)
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := api.Replays.Create(t.Context(), "", replay.Request{
		Select: replay.Select{ResourceIDs: []string{id}}, Reason: "the event was corrected",
		Transform: &replay.Transform{MergePatch: json.RawMessage(r.Patch)},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	done, err := api.Replays.Wait(ctx, accepted.ReplayID)
	if err != nil || done.Counts.Succeeded != 1 || done.Counts.Matched != 1 {
		t.Fatalf("got %+v, %v, want one success", done.Counts, err)
	}
	r.published(t, domain.APIName(accepted.ReplayID, id, 0), id, want, "true")
}

// fails wants an execution to fail with an error, or to time out, and to publish nothing.
func (r *runner) fails(t *testing.T, name, event, want string) {
	t.Helper()
	out := start(t, r.parts.StateMachineARN, name, event)
	status := types.ExecutionStatusFailed
	if want == "" {
		status = types.ExecutionStatusTimedOut
	}
	if out.Status != status || aws.ToString(out.Error) != want {
		t.Fatalf("%s: got %s with %s: %s, want %s with %s", event, out.Status, aws.ToString(out.Error), aws.ToString(out.Cause), status, want)
	}
	if got := sys.inbox.of(t, name); len(got) != 0 {
		t.Errorf("a failure published %+v", got)
	}
}

// autoReplay runs the job of the schedule until it has brought an execution about and that has succeeded.
func (r *runner) autoReplay(t *testing.T, execution string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		out, err := sys.lambdas.Invoke(t.Context(), &lambda.InvokeInput{
			FunctionName: aws.String(r.parts.Functions["AutoReplay"]), Payload: []byte(`{}`),
		})
		if err != nil || out.FunctionError != nil {
			t.Fatalf("auto-replay: %v %s", err, out.Payload)
		}
		switch got := describe(t, executionARN(r.parts.StateMachineARN, execution)); {
		case got != nil && got.Status == types.ExecutionStatusSucceeded:
			return
		case got != nil && got.Status != types.ExecutionStatusRunning, time.Now().After(deadline):
			t.Fatalf("no automatic replay succeeded: got %+v", got)
		}
		time.Sleep(time.Second)
	}
}

// published wants one message for an execution, or none.
func (r *runner) published(t *testing.T, execution, id, want, isReplay string) {
	t.Helper()
	got := sys.inbox.of(t, execution)
	if want == "" {
		if len(got) != 0 {
			t.Errorf("%s published %+v, want nothing", execution, got)
		}
		return
	}
	if len(got) != 1 {
		t.Fatalf("%s: got %d messages, want 1", execution, len(got))
	}
	if wanted := normal(t, strings.ReplaceAll(want, "ID", id)); normal(t, got[0].body) != wanted {
		t.Errorf("%s published\n%s, want\n%s", execution, got[0].body, wanted)
	}
	a := got[0].attributes
	if a["isReplay"] != isReplay || a["resourceId"] != id || a["versionId"] == "" {
		t.Errorf("%s was published with %v, want isReplay %s", execution, a, isReplay)
	}
}

// normal sorts members and leaves white space out; numbers keep every digit.
func normal(t *testing.T, text string) string {
	t.Helper()
	var v any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

// start runs an execution to its end.
func start(t *testing.T, machine, name, input string) *sfn.DescribeExecutionOutput {
	t.Helper()
	_, err := sys.machines.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: &machine, Name: &name, Input: &input})
	var exists *types.ExecutionAlreadyExists // the answer to a first try was lost
	if err != nil && !errors.As(err, &exists) {
		t.Fatalf("start %s: %v", name, err)
	}
	deadline := time.Now().Add(patience)
	for {
		out := describe(t, executionARN(machine, name))
		if out != nil && out.Status != types.ExecutionStatusRunning {
			return out
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s runs longer than %s", name, patience)
		}
		time.Sleep(250 * time.Millisecond)
	}
}

func describe(t *testing.T, arn string) *sfn.DescribeExecutionOutput {
	t.Helper()
	out, err := sys.machines.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	var missing *types.ExecutionDoesNotExist
	if errors.As(err, &missing) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// transitions counts the states that an execution has entered, nested ones included.
func transitions(t *testing.T, execution *sfn.DescribeExecutionOutput) int {
	t.Helper()
	n := 0
	pages := sfn.NewGetExecutionHistoryPaginator(sys.machines, &sfn.GetExecutionHistoryInput{ExecutionArn: execution.ExecutionArn, MaxResults: 1000})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n += len(slices.DeleteFunc(page.Events, func(e types.HistoryEvent) bool { return e.StateEnteredEventDetails == nil }))
	}
	return n
}

func executionARN(machine, name string) string {
	return strings.Replace(machine, ":stateMachine:", ":execution:", 1) + ":" + name
}

func fresh(name string) string { return strings.ToLower(name) + "-" + strings.ToLower(rand.Text()[:8]) }
