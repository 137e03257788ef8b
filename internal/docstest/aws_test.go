package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// choices are props that the example leaves at their defaults and that need no check of their own: with them, AWS does
// nothing else.
var choices = []string{
	"Timeout", "StoreOutputs", "Code", "LogLevel", "AutoReplay", "RetryOn", "DoNotRetryOn", "MaxAttempts", "BackoffRate", "MaxBackoff", "MaxAge",
	"SupersedeOlder", "CloseSuperseded", "StartExecutionRate", "StateTransitionRate", "TransitionsPerExecution", "MaxReplayShare",
	"MaxRequestedShare", "UnaccountedAfter", "MaximumConcurrency", "OutcomesMaximumConcurrency", "RecursiveLoop", "ApiRateLimit",
	"ApiBurstLimit", "RunbookUrl", "FailureRateThreshold", "QuarantineThreshold", "ReplayAgeThreshold", "Dashboard",
}

// Each prop is set by the example, which the smoke checks try, or was never tried, or is a choice.
func TestEveryPropWasTriedOrIsListed(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "aws.md"))
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile(filepath.Join(root, "example", "listings", "stack.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, list, found := strings.Cut(string(text), "## What was never tried")
	list, _, ends := strings.Cut(list, "The other props")
	if !found || !ends {
		t.Fatal("no list of what was never tried")
	}
	_, files := ingestionFiles(t)
	for _, field := range optionStructs(files)["ReplayableIngestionProps"].Fields.List {
		for _, id := range field.Names {
			set := regexp.MustCompile(`(?m)^\t+` + id.Name + `:`).Match(example)
			listed := strings.Contains(list, "`"+id.Name+"`")
			choice := slices.Contains(choices, id.Name)
			if !set && !listed && !choice {
				t.Errorf("%s: the example does not set it, and docs/aws.md does not say that it was never tried", id.Name)
			}
			if choice && (set || listed) {
				t.Errorf("%s is a choice, and set by the example or listed in docs/aws.md", id.Name)
			}
		}
	}
}

// A prop that was renamed is found in the list.
func TestWhatWasNeverTriedAreProps(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "aws.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, list, found := strings.Cut(string(text), "## What was never tried")
	if !found {
		t.Fatal("no list of what was never tried")
	}
	_, files := ingestionFiles(t)
	var props []string
	for _, field := range optionStructs(files)["ReplayableIngestionProps"].Fields.List {
		for _, id := range field.Names {
			props = append(props, id.Name)
		}
	}
	tried := regexp.MustCompile("(?m)^- `([A-Za-z]+)`").FindAllStringSubmatch(list, -1)
	if len(tried) < 8 {
		t.Errorf("got %d props, want 8 or more", len(tried))
	}
	for _, m := range tried {
		if !slices.Contains(props, m[1]) {
			t.Errorf("%s is not a prop", m[1])
		}
	}
}
