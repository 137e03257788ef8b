package listings

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// node is a construct node with nothing but context.
type node map[string]any

func (n node) TryGetContext(key *string) any { return n[*key] }

// cdkJSON is the context of the repository's cdk.json.
func cdkJSON(t *testing.T) node {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "cdk.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Context map[string]any }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	return file.Context
}

func names(c Context) string {
	var out []string
	for _, s := range c.Stages {
		out = append(out, s.Name)
	}
	return strings.Join(out, " ")
}

func TestReadContextOfTheRepository(t *testing.T) {
	c, err := ReadContext(cdkJSON(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := names(c); got != "dev prod staging" || c.Service != "listing-importer" || c.Architecture != nil {
		t.Errorf("got stages %s, service %s, architecture %v", got, c.Service, c.Architecture)
	}
}

func TestReadContextLimitsToOneStage(t *testing.T) {
	n := cdkJSON(t)
	n["stage"] = "staging"
	c, err := ReadContext(n)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(c); got != "staging" {
		t.Errorf("got stages %s, want staging", got)
	}
}

func TestReadContextNamesEveryFault(t *testing.T) {
	_, err := ReadContext(node{
		"service":      42,
		"stage":        "qa",
		"architecture": "riscv",
		"stages": map[string]any{
			"Dev":  map[string]any{"removalPolicy": "delete", "logRetentionDays": 8},
			"prod": map[string]any{"autoReplayMinuets": 5},
		},
	})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{
		`context service must be a name such as "listing-importer", got 42`,
		`context stage must be one of the stages in cdk.json, got "qa"`,
		`context architecture must be arm64 or x86_64, got "riscv"`,
		`context stages.Dev must be named with 1 to 20 lower case letters and digits, got "Dev"`,
		`context stages.Dev.removalPolicy must be "destroy" or "retain", got "delete"`,
		`context stages.Dev.logRetentionDays must be one of [1 7 14 30 90 180 365], got 8`,
		`context stages.Dev.noncurrentDays must be a whole number from 1 to 36500, got 0`,
		`context stages.Dev.autoReplayMinutes must be a whole number from 1 to 60, got 0`,
		`context stages.Dev.backoffBaseSeconds must be a whole number from 1 to 43200, got 0`,
		`context stages.Dev.settleAfterMinutes must be a whole number from 1 to 1440, got 0`,
		`context stages.Dev.canaryThreshold must be a whole number from 1 to 10000, got 0`,
		`context stages.prod: json: unknown field "autoReplayMinuets"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in:\n%v", want, err)
		}
	}
	if got := len(strings.Split(err.Error(), "\n")); got != 12 {
		t.Errorf("got %d faults, want 12:\n%v", got, err)
	}
}

func TestReadContextWithoutStages(t *testing.T) {
	for _, stages := range []any{nil, "dev", map[string]any{}, []any{"dev"}} {
		if _, err := ReadContext(node{"service": "s", "stages": stages}); err == nil {
			t.Errorf("stages %v: got no error", stages)
		}
	}
}
