package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// replayctl builds the program once, into a directory of its own.
var replayctl = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "replayctl-")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "replayctl"), "../../cmd/replayctl").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build replayctl: %w\n%s", err, out)
	}
	return dir, nil
})

// TestReplayctl runs what an operator types against the deployed stack: the scripts in testdata/script. Beside the
// commands of testscript they have
//
//	ingest ID OWNER [PRICE]    an event arrives; waits until its execution has ended
//	quarantined ID             runs auto-replay until the failure of the resource is in the quarantine
//	id NAME                    puts a fresh id into the variable NAME
//	capture NAME               puts standard output, without its newline, into the variable NAME
func TestReplayctl(t *testing.T) {
	t.Parallel()
	bin, err := replayctl()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(bin) })
	state := filepath.Join(t.TempDir(), "local.json")
	b, err := json.Marshal(sys.Result)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(state, b, 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("REPLAYCTL_LOCAL", state)
			env.Setenv("ENDPOINT", sys.EndpointURL)
			env.Setenv("API", sys.APIURL)
			env.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ingest": scriptIngest, "quarantined": scriptQuarantined, "id": scriptID, "capture": scriptCapture, "field": scriptField,
		},
	})
}

func scriptID(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], fresh(strings.ToLower(args[0])))
}

// scriptField keeps what a description on standard output says under a name.
func scriptField(ts *testscript.TestScript, _ bool, args []string) {
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		if words := strings.Fields(line); len(words) == 2 && words[0] == args[1] {
			ts.Setenv(args[0], words[1])
			return
		}
	}
	ts.Fatalf("standard output has no field %s", args[1])
}

func scriptCapture(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

func scriptIngest(ts *testscript.TestScript, _ bool, args []string) {
	l := listing{id: args[0], owner: args[1]}
	if len(args) > 2 {
		price, err := strconv.Atoi(args[2])
		ts.Check(err)
		l.price = price
	}
	name, input := fresh("live"), l.json()
	_, err := sys.Machine.StartExecution(context.Background(), &sfn.StartExecutionInput{
		StateMachineArn: &sys.StateMachineARN, Name: &name, Input: &input,
	})
	ts.Check(err)
	waitFor(ts, patience, "the execution to end", func(ctx context.Context) bool {
		row, err := sys.Book.Executions.Get(ctx, name)
		return err == nil && !row.StoppedAt.IsZero()
	})
}

func scriptQuarantined(ts *testscript.TestScript, _ bool, args []string) {
	waitFor(ts, patience, "the failure to be quarantined", func(ctx context.Context) bool {
		ts.Check(sys.runAutoReplay(ctx))
		h, err := sys.Book.Executions.History(ctx, args[0], time.Unix(0, 0), time.Now().Add(time.Hour))
		ts.Check(err)
		for _, f := range h.Failures {
			if f.Status == domain.Quarantined {
				return true
			}
		}
		return false
	})
}

func waitFor(ts *testscript.TestScript, limit time.Duration, what string, ready func(context.Context) bool) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for !ready(ctx) {
		if ctx.Err() != nil {
			ts.Fatalf("waited %s for %s", limit, what)
		}
		time.Sleep(pollEvery)
	}
}
