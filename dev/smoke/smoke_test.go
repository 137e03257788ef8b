package smoke

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/ce873799/replayable-ingestion/replay"
)

func TestEveryCheckSaysWhatItIs(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range checks() {
		if c.name == "" || c.proves == "" || c.run == nil || seen[c.name] {
			t.Errorf("check %q has no own name, no proof or no function", c.name)
		}
		if c.realOnly && c.emulator == "" {
			t.Errorf("check %s is not run on the emulator and does not say why", c.name)
		}
		seen[c.name] = true
	}
}

func TestEveryCheckIsDocumented(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "aws-smoke.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks() {
		if !bytes.Contains(doc, []byte("| `"+c.name+"` |")) {
			t.Errorf("docs/aws-smoke.md has no row for check %s", c.name)
		}
	}
}

func TestSizedListings(t *testing.T) {
	for _, n := range []int{1000, replay.MaxEventBytes, tooLarge, replay.MaxExecutionInputBytes + 1} {
		event, err := sized("a", "b", n)
		if err != nil {
			t.Fatal(err)
		}
		if len(event) != n || !json.Valid(event) {
			t.Errorf("got %d bytes, valid JSON: %t; want %d", len(event), json.Valid(event), n)
		}
	}
	if _, err := sized("a", "b", 10); err == nil {
		t.Error("got a listing of 10 bytes, want an error")
	}
}

func TestListingKeepsTheTextOfNumbers(t *testing.T) {
	event := listing("a", "b", map[string]json.RawMessage{"digits": json.RawMessage("[1.10,9007199254740993]")})
	if !strings.Contains(string(event), `"digits":[1.10,9007199254740993]`) {
		t.Errorf("got %s", event)
	}
}

func TestCheckPointer(t *testing.T) {
	const good = `{"error":"InvalidListing","executionArn":"arn","kind":"status","name":"n","redriveCount":0,` +
		`"startDate":1795420000123,"stateMachineArn":"m","status":"FAILED","stopDate":1795420000456,"v":1}`
	tests := []struct {
		name, body string
		ok         bool
	}{
		{"a pointer", good, true},
		{"an empty count", strings.Replace(good, `"redriveCount":0`, `"redriveCount":""`, 1), true},
		{"input", strings.Replace(good, `"v":1`, `"v":1,"input":"secret"`, 1), false},
		{"no JSON", strings.Replace(good, `"InvalidListing"`, `InvalidListing`, 1), false},
		{"no error", strings.Replace(good, `"InvalidListing"`, `""`, 1), false},
		{"no time", strings.Replace(good, `1795420000456`, `""`, 1), false},
		{"something else", `{"v":1,"kind":"item"}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := checkPointer(tt.body, "secret"); (err == nil) != tt.ok {
				t.Errorf("got %v, want accepted: %t", err, tt.ok)
			}
		})
	}
}

func TestChoose(t *testing.T) {
	got, err := choose(checks(), []string{"tls-only", "event-size"})
	if err != nil || len(got) != 2 || got[0].name != "event-size" {
		t.Errorf("got %d checks, %v", len(got), err)
	}
	if _, err := choose(checks(), []string{"no-such"}); err == nil {
		t.Error("got no error for an unknown check")
	}
}

// outputs of a stack that does not exist.
func outputs() map[string]string {
	m := map[string]string{}
	for _, name := range needed {
		m[name] = "x"
	}
	return m
}

func TestRunSkipsWhatTheEmulatorCannotShow(t *testing.T) {
	var reported []Result
	cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	results, err := Run(t.Context(), cfg, Options{
		Outputs: outputs(), APIURL: "http://localhost/v1", Emulator: true, Only: []string{"tls-only", "recursion"},
		Report: func(r Result) { reported = append(reported, r) },
	})
	if err != nil || len(results) != 2 || len(reported) != 2 {
		t.Fatalf("got %v, %v", results, err)
	}
	for _, r := range results {
		if r.Outcome != Skipped || !strings.HasPrefix(r.Detail, "on the emulator: ") {
			t.Errorf("%s: got %s, %s", r.Name, r.Outcome, r.Detail)
		}
	}
}

func TestRunNamesMissingOutputs(t *testing.T) {
	_, err := Run(t.Context(), aws.Config{}, Options{Outputs: map[string]string{"ApiUrl": "x"}})
	if err == nil || !strings.Contains(err.Error(), "StateMachineArn") || strings.Contains(err.Error(), "output ApiUrl") {
		t.Errorf("got %v", err)
	}
}

func TestOutcomes(t *testing.T) {
	e := &env{}
	tests := []struct {
		name string
		err  error
		want Outcome
	}{
		{"a check that found what it looked for", nil, Passed},
		{"a check that did not", errors.New("no"), Failed},
		{"a check that cannot run here", skipped{"no timeout"}, Skipped},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := e.run(t.Context(), check{run: func(context.Context, *env) (string, error) { return "seen", tt.err }})
			if r.Outcome != tt.want {
				t.Errorf("got %s, want %s", r.Outcome, tt.want)
			}
			if err := failed([]Result{r}); errors.Is(err, ErrFailed) != (tt.want == Failed) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCommandLine(t *testing.T) {
	tests := []struct {
		name, args, out, errOut string
		code                    int
	}{
		{"lists the checks", "-list", "event-size\n", "", exitOK},
		{"refuses unknown flags", "-no-such", "", "flag provided but not defined", exitUsage},
		{"refuses arguments", "listings-dev", "", "unexpected argument", exitUsage},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			code := Main(t.Context(), strings.Fields(tt.args), &out, &errOut)
			if code != tt.code || !strings.Contains(out.String(), tt.out) || !strings.Contains(errOut.String(), tt.errOut) {
				t.Errorf("got %d, %q, %q", code, out.String(), errOut.String())
			}
		})
	}
}
