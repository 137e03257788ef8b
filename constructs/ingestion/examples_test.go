package ingestion_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestExamplesCreateWhatTheyShow runs the examples, which need Node.js and so have no output of their own. They compile
// no functions: apps take their context from this variable, too. The program in README is run by test/consumer.
func TestExamplesCreateWhatTheyShow(t *testing.T) {
	t.Setenv("CDK_CONTEXT_JSON", `{"aws:cdk:bundling-stacks":[]}`)
	t.Setenv("CDK_OUTDIR", t.TempDir())
	t.Chdir(filepath.Join("..", "..")) // where files of the examples would be
	run := map[string]func(){
		"ExampleFromStateMachine":                         ExampleFromStateMachine,
		"ExampleFromStateMachine_express":                 ExampleFromStateMachine_express,
		"ExampleFromDefinition":                           ExampleFromDefinition,
		"ExampleIsReplay":                                 ExampleIsReplay,
		"ExampleIsReplay_jsonata":                         ExampleIsReplay_jsonata,
		"ExampleReplayableIngestion_CriticalAlarms":       ExampleReplayableIngestion_CriticalAlarms,
		"ExampleReplayableIngestion_GrantReplay":          ExampleReplayableIngestion_GrantReplay,
		"ExampleReplayableIngestion_subscribe":            ExampleReplayableIngestion_subscribe,
		"ExampleReplayableIngestionProps":                 ExampleReplayableIngestionProps,
		"ExampleReplayableIngestionProps_private":         ExampleReplayableIngestionProps_private,
		"ExampleReplayableIngestionProps_cognito":         ExampleReplayableIngestionProps_cognito,
		"ExampleReplayableIngestionProps_retention":       ExampleReplayableIngestionProps_retention,
		"ExampleReplayableIngestionProps_transforms":      ExampleReplayableIngestionProps_transforms,
		"ExampleNewReplayableIngestion_existingResources": ExampleNewReplayableIngestion_existingResources,
		"ExampleNewReplayableIngestion_fifoTopic":         ExampleNewReplayableIngestion_fifoTopic,
	}
	elsewhere := map[string]string{
		"ExampleNewReplayableIngestion": "test/consumer runs it",
		"ExampleFromDefinitionFile":     "its file is the reader's",
		"ExampleFunctionCode":           "its files are the reader's",
	}
	for _, name := range examples(t) {
		example, ok := run[name]
		if !ok {
			if elsewhere[name] == "" {
				t.Errorf("%s is not run", name)
			}
			continue
		}
		t.Run(name, func(t *testing.T) {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("panic: %v", p)
				}
			}()
			example()
		})
	}
}

// examples are the names of the package's examples.
func examples(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("constructs", "ingestion", "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(fn.Name.Name, "Example") {
				names = append(names, fn.Name.Name)
			}
		}
	}
	if len(names) < 10 {
		t.Fatalf("found only %v", names)
	}
	return names
}
