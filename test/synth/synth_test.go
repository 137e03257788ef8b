// Package synth_test synthesizes the construct and the example, and looks at what comes out. Nothing is deployed.
//
// Tests never run in parallel here: jsii is not safe for concurrent use.
package synth_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// cdkContext is the context of cdk.json, changed by overrides.
func cdkContext(t *testing.T, overrides map[string]any) map[string]any {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "cdk.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Context map[string]any }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	maps.Copy(file.Context, overrides)
	return file.Context
}

// contextJSON is the context as the CLI hands it to the app.
func contextJSON(t *testing.T, overrides map[string]any) string {
	t.Helper()
	b, err := json.Marshal(cdkContext(t, overrides))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// newApp returns an app with the context of cdk.json, changed by overrides. It compiles no functions.
func newApp(t *testing.T, overrides map[string]any) awscdk.App {
	t.Helper()
	context := cdkContext(t, overrides)
	context["aws:cdk:bundling-stacks"] = []any{}
	return awscdk.NewApp(&awscdk.AppProps{Context: &context, Outdir: jsii.String(t.TempDir())})
}

func newStack(t *testing.T) awscdk.Stack {
	t.Helper()
	return awscdk.NewStack(newApp(t, nil), jsii.String("Test"), nil)
}

// pass is the smallest workflow.
func pass(stack awscdk.Stack, id string) ingestion.Workflow {
	return ingestion.FromChainable(awsstepfunctions.NewPass(stack, jsii.String(id), nil))
}

// valid are the props of a construct with nothing but what is required.
func valid(stack awscdk.Stack) *ingestion.ReplayableIngestionProps {
	return &ingestion.ReplayableIngestionProps{Workflow: pass(stack, "Work"), ResourceIdPath: jsii.String("$.id")}
}

func newIngestion(stack awscdk.Stack, props *ingestion.ReplayableIngestionProps) *ingestion.ReplayableIngestion {
	return ingestion.NewReplayableIngestion(stack, jsii.String("Ingestion"), props)
}

// panics returns what f panics with, as text; "" if it does not.
func panics(f func()) (message string) {
	defer func() {
		if p := recover(); p != nil {
			message = fmt.Sprint(p)
		}
	}()
	f()
	return ""
}

// template is a synthesized stack.
type template struct {
	Resources map[string]resource
	Outputs   map[string]map[string]any
}

type resource struct {
	Type           string
	Properties     map[string]any
	DeletionPolicy string
}

func synth(t *testing.T, stack awscdk.Stack) template {
	t.Helper()
	return decode[template](t, rawTemplate(stack))
}

func rawTemplate(stack awscdk.Stack) map[string]any {
	return *assertions.Template_FromStack(stack, nil).ToJSON()
}

// decode reads v as the JSON of another type.
func decode[T any](t *testing.T, v any) (out T) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// ofType returns the resources of a type, with their logical ids without the hash.
func (tpl template) ofType(kind string) map[string]resource {
	out := map[string]resource{}
	for id, r := range tpl.Resources {
		if r.Type == kind {
			out[readable(id)] = r
		}
	}
	return out
}

// one returns the resource of a type whose readable id is given.
func (tpl template) one(t *testing.T, kind, id string) map[string]any {
	t.Helper()
	r, ok := tpl.ofType(kind)[id]
	if !ok {
		t.Fatalf("no %s %s, got %v", kind, id, slices.Sorted(maps.Keys(tpl.ofType(kind))))
	}
	return r.Properties
}

var hash = regexp.MustCompile(`[0-9A-F]{8}$`)

func readable(logicalID string) string { return hash.ReplaceAllString(logicalID, "") }

// render prints a value with intrinsic functions as text: ${Queue.Arn}/x.
func render(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Sprint(v)
	}
	if ref, ok := m["Ref"].(string); ok {
		return "${" + readable(ref) + "}"
	}
	if att, ok := m["Fn::GetAtt"].([]any); ok {
		return fmt.Sprintf("${%s.%s}", readable(att[0].(string)), att[1])
	}
	if join, ok := m["Fn::Join"].([]any); ok {
		var parts []string
		for _, p := range join[1].([]any) {
			parts = append(parts, render(p))
		}
		return strings.Join(parts, join[0].(string))
	}
	if export, ok := m["Fn::ImportValue"].(string); ok { // before awscdk v2.268
		_, name, _ := strings.Cut(export, ":Exports")
		return "${" + name + "}"
	}
	if out, ok := m["Fn::GetStackOutput"].(map[string]any); ok {
		name := strings.TrimPrefix(out["OutputName"].(string), "Publish")
		return fmt.Sprintf("${%s of %s}", name, render(out["StackName"]))
	}
	if sel, ok := m["Fn::Select"].([]any); ok {
		return fmt.Sprintf("${part %v of %s}", sel[0], render(sel[1]))
	}
	if split, ok := m["Fn::Split"].([]any); ok {
		return render(split[1])
	}
	return fmt.Sprint(v)
}

// golden compares got with a file in testdata, or rewrites the file.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: write it with go test ./test/synth -update", err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs: review it with go test ./test/synth -update && git diff\n%s", file, firstDifference(got, want))
	}
}

func firstDifference(got, want []byte) string {
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d:\n got %s\nwant %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("got %d lines, want %d", len(g), len(w))
}
