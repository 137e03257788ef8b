package lambdahost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// probe is the path of the compiled testdata/probe.
var probe string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "probe")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	probe = filepath.Join(dir, "bootstrap")
	build := exec.Command("go", "build", "-o", probe, "./testdata/probe")
	if out, err := build.CombinedOutput(); err != nil {
		panic(string(out))
	}
	return m.Run()
}

type hosted struct {
	*Host
	logs string
}

func start(t *testing.T, fns ...Function) hosted {
	t.Helper()
	return startLimited(t, 0, fns...)
}

func startLimited(t *testing.T, concurrency int, fns ...Function) hosted {
	t.Helper()
	logs := t.TempDir()
	h, err := Start(Options{LogDir: logs, EndpointURL: "http://emulator.test", Region: "eu-west-1", Concurrency: concurrency})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Stop)
	for _, fn := range fns {
		fn.Name, fn.Bootstrap = "Probe", probe
		if fn.Timeout == 0 {
			fn.Timeout = 10 * time.Second
		}
		if err := h.Add(fn); err != nil {
			t.Fatal(err)
		}
	}
	return hosted{h, logs}
}

// reply is what the probe or a failure answers.
type reply struct {
	PID       int    `json:"pid"`
	Served    int    `json:"served"`
	RequestID string `json:"requestId"`
	ARN       string `json:"arn"`
	Left      int    `json:"left"`
	Env       string `json:"env"`
	Trace     string `json:"trace"`

	ErrorType    string `json:"errorType"`
	ErrorMessage string `json:"errorMessage"`
	failed       bool
}

func (h hosted) send(t *testing.T, payload string) reply {
	t.Helper()
	answer, err := h.Invoke(t.Context(), "Probe", []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	r := reply{failed: answer.Failed}
	if err := json.Unmarshal(answer.Payload, &r); err != nil {
		t.Fatalf("%v in %s", err, answer.Payload)
	}
	return r
}

func TestProcessStaysWarmAndServesOneEventOnce(t *testing.T) {
	h := start(t, Function{})
	first, second := h.send(t, `{}`), h.send(t, `{}`)
	if first.PID != second.PID || second.Served != 2 {
		t.Errorf("got processes %d and %d, served %d, want one that served 2", first.PID, second.PID, second.Served)
	}
	if n, err := h.Invocations("Probe"); n != 2 || err != nil {
		t.Errorf("got %d invocations, %v, want 2", n, err)
	}
}

func TestAFunctionIsReplacedWhenItHasChanged(t *testing.T) {
	h := start(t)
	fn := Function{Name: "Probe", Bootstrap: probe, Timeout: 10 * time.Second, Env: map[string]string{"TABLE": "t1"}}
	put := func() reply {
		t.Helper()
		if err := h.Put(fn); err != nil {
			t.Fatal(err)
		}
		return h.send(t, `{"env":"TABLE"}`)
	}
	first, same := put(), put()
	if first.Env != "t1" || same.PID != first.PID {
		t.Errorf("got %+v and then %+v, want the same process", first, same)
	}
	fn.Env = map[string]string{"TABLE": "t2"}
	if got := put(); got.Env != "t2" || got.PID == first.PID {
		t.Errorf("got %+v, want another process with t2", got)
	}
}

func TestFunctionSeesTheContextOfLambda(t *testing.T) {
	h := start(t, Function{ARN: "arn:probe", Timeout: 3 * time.Second, Env: map[string]string{"TABLE": "t1"}})
	tests := []struct{ env, want string }{
		{"TABLE", "t1"},
		{"AWS_LAMBDA_FUNCTION_NAME", "Probe"},
		{"AWS_REGION", "eu-west-1"},
		{"AWS_ENDPOINT_URL", "http://emulator.test"},
		{"AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/Probe"},
		{"LAMBDA_TASK_ROOT", filepath.Dir(probe)},
		{"AWS_PROFILE", ""},
	}
	t.Setenv("AWS_PROFILE", "a-real-account")
	for _, tt := range tests {
		r := h.send(t, `{"env":"`+tt.env+`"}`)
		if r.Env != tt.want {
			t.Errorf("%s: got %q, want %q", tt.env, r.Env, tt.want)
		}
		if r.ARN != "arn:probe" || r.RequestID == "" || !strings.HasPrefix(r.Trace, "Root=1-") || r.Left < 2000 || r.Left > 3000 {
			t.Errorf("got context %+v", r)
		}
	}
}

func TestFailuresAreThoseOfLambda(t *testing.T) {
	h := start(t, Function{Timeout: time.Second})
	tests := []struct{ name, payload, errorType, message string }{
		{"an error", `{"do":"fail"}`, "InvalidEvent", "the event has no id"},
		{"a panic", `{"do":"panic"}`, "string", "on purpose"},
		{"an exit with a code", `{"do":"exit","env":"1"}`, "Runtime.ExitError", "Error: Runtime exited with error: exit status 1"},
		{"an exit without", `{"do":"exit","env":"0"}`, "Runtime.ExitError", "Error: Runtime exited without providing a reason"},
		{"a timeout", `{"sleepMs":5000}`, "Sandbox.Timedout", "Error: Task timed out after 1.00 seconds"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := h.send(t, tt.payload)
			if !r.failed || r.ErrorType != tt.errorType || !strings.HasSuffix(r.ErrorMessage, tt.message) {
				t.Errorf("got %+v, want %s: %s", r, tt.errorType, tt.message)
			}
			if r := h.send(t, `{}`); r.failed || r.PID == 0 {
				t.Errorf("the event after it got %+v, want an answer", r)
			}
		})
	}
}

func TestProcessThatCannotStartIsReported(t *testing.T) {
	h := start(t, Function{Env: map[string]string{"PROBE_INIT": "fail"}})
	r := h.send(t, `{}`)
	if r.ErrorType != "Runtime.ExitError" || !strings.HasSuffix(r.ErrorMessage, "exit status 7") {
		t.Errorf("got %+v, want Runtime.ExitError with exit status 7", r)
	}
}

func TestProcessesStartOnDemandUpToTheLimit(t *testing.T) {
	h := start(t, Function{MaxProcesses: 3})
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		pids = map[int]int{}
	)
	for range 9 {
		wg.Go(func() {
			r := h.send(t, `{"sleepMs":100}`)
			mu.Lock()
			defer mu.Unlock()
			pids[r.PID]++
		})
	}
	wg.Wait()
	if len(pids) != 3 {
		t.Errorf("got events per process %v, want 3 processes", pids)
	}
}

// As in an account, what is over the limit is refused, and does not wait.
func TestEventsBeyondTheConcurrencyAreRefused(t *testing.T) {
	h := startLimited(t, 2, Function{MaxProcesses: 8})
	var wg sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for range 6 {
		wg.Go(func() {
			answer, err := http.Post(h.URL("Probe"), "application/json", strings.NewReader(`{"sleepMs":2000}`)) //nolint:noctx // a test's
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = answer.Body.Close() }()
			mu.Lock()
			defer mu.Unlock()
			statuses[answer.StatusCode]++
		})
	}
	wg.Wait()
	if statuses[http.StatusOK] != 2 || statuses[http.StatusTooManyRequests] != 4 {
		t.Errorf("got %v, want 2 that ran and 4 that were refused", statuses)
	}
	if r := h.send(t, `{}`); r.failed {
		t.Errorf("got %+v after them", r)
	}
}

func TestKilledProcessFailsItsEventOnly(t *testing.T) {
	h := start(t, Function{})
	failed := make(chan reply, 1)
	go func() { failed <- h.send(t, `{"sleepMs":8000}`) }()
	waitFor(t, func() bool { return strings.Contains(readLog(t, h.logs), "probe got") })
	if n, err := h.Kill("Probe"); n != 1 || err != nil {
		t.Errorf("got %d killed, %v, want 1", n, err)
	}
	if r := <-failed; r.ErrorType != "Runtime.ExitError" || !strings.HasSuffix(r.ErrorMessage, "signal: killed") {
		t.Errorf("got %+v, want Runtime.ExitError", r)
	}
	if r := h.send(t, `{}`); r.failed || r.Served != 1 {
		t.Errorf("got %+v, want an answer of a new process", r)
	}
	if _, err := h.Kill("Probe"); err != nil {
		t.Error(err)
	}
	if r := h.send(t, `{}`); r.failed || r.Served != 1 {
		t.Errorf("after killing an idle process got %+v, want an answer of a new one", r)
	}
}

func TestPauseHoldsEventsBack(t *testing.T) {
	h := start(t, Function{})
	resume, err := h.Pause("Probe")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan reply, 1)
	go func() { got <- h.send(t, `{}`) }()
	select {
	case r := <-got:
		t.Fatalf("got %+v during the pause", r)
	case <-time.After(100 * time.Millisecond):
	}
	resume()
	if r := <-got; r.failed {
		t.Errorf("got %+v, want an answer", r)
	}
}

func TestHookCanLoseAnAnswer(t *testing.T) {
	h := start(t, Function{})
	lost := Answer{Payload: []byte(`{"errorType":"Lambda.Unknown"}`), Failed: true}
	err := h.SetHook("Probe", func(_ context.Context, payload []byte, invoke func([]byte) (Answer, error)) (Answer, error) {
		_, err := invoke(payload)
		return lost, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := h.send(t, `{}`); r.ErrorType != "Lambda.Unknown" {
		t.Errorf("got %+v, want the hook's answer", r)
	}
	if err := h.SetHook("Probe", nil); err != nil {
		t.Fatal(err)
	}
	if r := h.send(t, `{}`); r.Served != 2 {
		t.Errorf("got %+v, want the second event served", r)
	}
}

func TestOutputAndFailuresAreKept(t *testing.T) {
	h := start(t, Function{})
	h.send(t, `{"do":"fail"}`)
	log := readLog(t, h.logs)
	for _, want := range []string{"probe got fail\n", `"errorType":"InvalidEvent"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
}

func TestFrontAnswersAsTheInvokeAPI(t *testing.T) {
	h := start(t, Function{})
	tests := []struct {
		name, path, payload string
		status              int
		functionError, body string
	}{
		{"an answer, byte for byte", "Probe", `{"do":"echo","echo":12345678901234567890.10}`, 200, "", `12345678901234567890.10`},
		{"an error of the function", "Probe", `{"do":"fail"}`, 200, "Unhandled", `{"errorMessage":"the event has no id","errorType":"InvalidEvent"}`},
		{"an unknown function", "Other", `{}`, 404, "", "no such function: \"Other\"\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, err := http.Post(h.URL(tt.path), "application/json", strings.NewReader(tt.payload))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			got := resp.Header.Get(functionErrorHeader)
			if resp.StatusCode != tt.status || got != tt.functionError || !bytes.Equal(body, []byte(tt.body)) {
				t.Errorf("got %d, error %q, %s", resp.StatusCode, got, body)
			}
		})
	}
}

func TestStopEndsWorkAndRefusesMore(t *testing.T) {
	h := start(t, Function{})
	got := make(chan reply, 1)
	go func() { got <- h.send(t, `{"sleepMs":8000}`) }()
	waitFor(t, func() bool { return strings.Contains(readLog(t, h.logs), "probe got") })
	h.Stop()
	if r := <-got; r.ErrorType != "Runtime.ExitError" {
		t.Errorf("got %+v, want the event to fail", r)
	}
	if _, err := h.Invoke(t.Context(), "Probe", nil); !errors.Is(err, errStopped) {
		t.Errorf("got %v, want %v", err, errStopped)
	}
}

func waitFor(t *testing.T, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !cond(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the condition did not come true in 10 s")
		}
	}
}

func readLog(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "Probe.log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
