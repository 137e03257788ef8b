package consumer_test

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/ce873799/replayable-ingestion/constructs/golambda"
	"github.com/ce873799/replayable-ingestion/dev/proc"
)

// TestAnAppRunsWithoutAnAccount does what a user does who has no checkout: go install, replayctl dev in the app's directory,
// an event, a change of a function, another event, and the end.
func TestAnAppRunsWithoutAnAccount(t *testing.T) {
	a := newApp(t, read(t, "orders", "main.go"))
	score := read(t, "orders", "score.py")
	write(t, a.dir, map[string]string{
		"cdk.json": `{"app": "go run ."}`, "functions/score.py": score,
		"one.json": `{"order": {"id": "O-1", "customerId": "C-1"}}`, "two.json": `{"order": {"id": "O-2", "customerId": "C-1"}}`,
	})
	home, temporary, cache := tempDir(t), tempDir(t), filepath.Join(root, "build", ".consumer-cache") // what is installed is kept
	a, bin := a.installed(t, home, temporary, cache)
	before := tree(t, a.dir)

	r := start(t, a, filepath.Join(bin, "replayctl"), "dev")
	file := r.await(`export REPLAYCTL_LOCAL=(\S+)\n(?s:.*)Ctrl-C`)
	r.ingest(filepath.Join(bin, "replayctl"), file, "one.json")
	if got := scoreOf(t, file, "O-1"); got != 1 {
		t.Errorf("got score %d, want 1 of the function in Python", got)
	}

	write(t, a.dir, map[string]string{"functions/score.py": strings.Replace(score, "SCORE = 1", "SCORE = 2", 1)})
	r.enter()
	r.await("\n(deployed)\n")
	r.ingest(filepath.Join(bin, "replayctl"), file, "two.json")
	if got := scoreOf(t, file, "O-2"); got != 2 {
		t.Errorf("got score %d after the change, want 2", got)
	}

	logs := r.await(`Logs: ([^,\n]+)`)
	if text := everything(t, logs); !strings.Contains(text, "scoring O-1\n") || !strings.Contains(text, "scoring O-2\n") {
		t.Errorf("the logs in %s lack what the function in Python prints", logs)
	}

	r.end()
	for what, dir := range map[string]string{
		"the home directory": home, "the directory of temporary files": temporary,
		"the directory of runs": filepath.Join(cache, "replayable-ingestion", "runs"),
	} {
		left := slices.DeleteFunc(tree(t, dir), func(name string) bool {
			return strings.HasPrefix(name, "/.cache/") || // of jsii
				strings.HasPrefix(name, "/.config/go/") || // the go command's notes
				strings.HasPrefix(name, "/.rustup/") // rustc's, which pip asks for its version
		})
		if len(left) > 0 {
			t.Errorf("%d files are left in %s, the first is %s", len(left), what, left[0])
		}
	}
	if after := tree(t, a.dir); !slices.Equal(after, before) {
		t.Errorf("the app's directory has %v, want %v", after, before)
	}
}

// programsOnce are installed as README says, once for all tests.
var programsOnce struct {
	sync.Once
	bin string
}

// installed returns the directory of the installed programs, and the app with a home and a cache of its own.
func (a app) installed(t *testing.T, home, temporary, cache string) (with app, bin string) {
	t.Helper()
	programsOnce.Do(func() {
		dir := tempDir(t)
		for _, program := range []string{"cmd/replayctl", "dev/cmd/replaydev"} {
			a.with("GOBIN="+dir).mustGo(t, "install", golambda.ThisModule()+"/"+program+"@"+version)
		}
		programsOnce.bin = dir
	})
	if programsOnce.bin == "" {
		t.Fatal("the programs cannot be installed")
	}
	user, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	// What was downloaded and compiled for the user, such as by `make tools`, is taken from there.
	return a.with("HOME="+home, "TMPDIR="+temporary, "XDG_CACHE_HOME="+cache, "npm_config_cache="+filepath.Join(user, ".npm"),
		"PIP_CACHE_DIR="+filepath.Join(user, ".cache", "pip"),
		"GOCACHE="+mustGoEnv(t, "GOCACHE"), "GOPATH="+mustGoEnv(t, "GOPATH")), programsOnce.bin
}

// TestTheProgramOfReadmeRunsWithoutAnAccount runs what README has a newcomer copy, word for word. A failure is listed soon.
func TestTheProgramOfReadmeRunsWithoutAnAccount(t *testing.T) {
	a := newApp(t, programOf(t))
	write(t, a.dir, map[string]string{
		"cdk.json": `{"app": "go run ."}`, "event.json": `{"order": {"id": "O-1", "customerId": "C-1"}}`, "bad.json": `{"order": {}}`,
	})
	a, bin := a.installed(t, tempDir(t), tempDir(t), filepath.Join(root, "build", ".consumer-cache"))
	replayctl := filepath.Join(bin, "replayctl")
	r := start(t, a, filepath.Join(bin, "replaydev"))
	file := r.await(`export REPLAYCTL_LOCAL=(\S+)\n(?s:.*)Ctrl-C`)
	r.ingest(replayctl, file, "event.json")
	if out, err := a.run(a.dir, replayctl, "ingest", "bad.json", "--wait", "--local"); err == nil || !strings.Contains(out, "FAILED") {
		t.Fatalf("got %v, want the event FAILED:\n%s", err, out)
	}
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(time.Second) {
		out, err := a.run(a.dir, replayctl, "failures", "--local")
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if strings.Contains(out, "InvalidEvent") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the failure is not listed after 40 s:\n%s", out)
		}
	}
	r.end()
}

func mustGoEnv(t *testing.T, name string) string {
	t.Helper()
	value, err := goEnv(name)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// tree lists the files below a directory.
func tree(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimPrefix(path, dir))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// everything is the text of all files of a directory.
func everything(t *testing.T, dir string) string {
	t.Helper()
	var text strings.Builder
	for _, name := range tree(t, dir) {
		text.WriteString(read(t, dir, name))
	}
	return text.String()
}

// running is a program in a session of its own, with what it has printed.
type running struct {
	t     *testing.T
	app   app
	cmd   *exec.Cmd
	input io.Writer
	done  chan struct{}

	mu  sync.Mutex
	out bytes.Buffer
}

func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.Write(p)
}

func (r *running) printed() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.String()
}

func start(t *testing.T, a app, name string, args ...string) *running {
	t.Helper()
	r := &running{t: t, app: a, cmd: exec.Command(name, args...), done: make(chan struct{})}
	r.cmd.Dir, r.cmd.Env, r.cmd.Stdout, r.cmd.Stderr = a.dir, a.env, r, r
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var err error
	if r.input, err = r.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.done)
		_ = r.cmd.Wait() // its state says how it ended
	}()
	t.Cleanup(func() {
		_ = r.cmd.Process.Signal(syscall.SIGTERM) // unless it has ended
		<-r.done
	})
	return r
}

// await waits until what was printed matches a pattern, and returns its first group.
func (r *running) await(pattern string) string {
	r.t.Helper()
	expression := regexp.MustCompile(pattern)
	deadline := time.After(8 * time.Minute)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		if found := expression.FindStringSubmatch(r.printed()); found != nil {
			return found[1]
		}
		select {
		case <-r.done:
			r.t.Fatalf("it ended with %v:\n%s", r.cmd.ProcessState, r.printed())
		case <-deadline:
			r.t.Fatalf("it did not print %s:\n%s", pattern, r.printed())
		case <-ticker.C:
		}
	}
}

func (r *running) enter() {
	r.t.Helper()
	if _, err := io.WriteString(r.input, "\n"); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) ingest(replayctl, file, event string) {
	r.t.Helper()
	out, err := r.app.run(r.app.dir, replayctl, "--local", file, "ingest", event, "--wait", "-o", "jsonl")
	if err != nil || !strings.Contains(out, `"SUCCEEDED"`) || !strings.Contains(out, `"recorded":true`) {
		r.t.Fatalf("got %v, want the event recorded and SUCCEEDED:\n%s", err, out)
	}
}

// end stops the program as Ctrl-C and kill do, and checks that it leaves no process.
func (r *running) end() {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	<-r.done
	if code := r.cmd.ProcessState.ExitCode(); code != 0 {
		r.t.Errorf("got exit code %d, want 0:\n%s", code, r.printed())
	}
	left, err := proc.Session(r.cmd.Process.Pid)
	if err != nil || len(left) > 0 {
		r.t.Errorf("these processes are left: %v, %v", left, err)
	}
}

// scoreOf reads from the output of the execution of an order what the function in Python made of it.
func scoreOf(t *testing.T, file, order string) int {
	t.Helper()
	var local struct {
		EndpointURL, Region string
		Ingestions          []struct{ StateMachineARN string }
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &local); err != nil || len(local.Ingestions) != 1 {
		t.Fatalf("%v: got %s, want one ingestion", err, b)
	}
	client := sfn.NewFromConfig(aws.Config{
		Region: local.Region, BaseEndpoint: &local.EndpointURL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	list, err := client.ListExecutions(t.Context(), &sfn.ListExecutionsInput{StateMachineArn: &local.Ingestions[0].StateMachineARN})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list.Executions {
		got, err := client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: e.ExecutionArn})
		if err != nil {
			t.Fatal(err)
		}
		var output struct {
			Order struct{ ID string }
			Score int
		}
		if err := json.Unmarshal([]byte(aws.ToString(got.Output)), &output); err == nil && output.Order.ID == order {
			return output.Score
		}
	}
	t.Fatalf("no execution of %s has an output", order)
	return 0
}
