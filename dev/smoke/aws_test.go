package smoke_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/dev/smoke"
)

// assumptions are the rows of the tables of docs/aws.md: an assumption, its source, and the checks that would show
// it.
func assumptions(t *testing.T) (text string, rows [][]string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "aws.md"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| assumption") {
			rows = append(rows, strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | "))
		}
	}
	return string(b), rows
}

// TestEveryAssumptionHasItsSourceAndItsCheck: a document of AWS and a section or an operation in it, and smoke checks
// that exist. Every check is there for an assumption.
func TestEveryAssumptionHasItsSourceAndItsCheck(t *testing.T) {
	_, rows := assumptions(t)
	if len(rows) < 50 {
		t.Fatalf("got %d assumptions, want 50 or more: the search is broken", len(rows))
	}
	source := regexp.MustCompile(`(Guide|Reference)(: |:? ?")(".+"|[A-Z][A-Za-z]+)`)
	names := regexp.MustCompile("^`[a-z-]+`(, `[a-z-]+`)*$")
	named := map[string]bool{}
	for _, row := range rows {
		if len(row) != 3 {
			t.Errorf("%s: got %d cells, want 3", row[0], len(row))
			continue
		}
		if !source.MatchString(row[1]) {
			t.Errorf("%s: the source %s names no document and section of AWS", row[0], row[1])
		}
		checks := strings.TrimSpace(row[2])
		if checks == "not covered" {
			continue
		}
		if !names.MatchString(checks) {
			t.Errorf("%s: got %q, want smoke checks, or not covered", row[0], checks)
		}
		for check := range strings.SplitSeq(checks, ", ") {
			check = strings.Trim(check, "`")
			if named[check] = true; !slices.Contains(smoke.Names(), check) {
				t.Errorf("%s: there is no smoke check %s", row[0], check)
			}
		}
	}
	for _, name := range smoke.Names() {
		if !named[name] {
			t.Errorf("no assumption names the smoke check %s", name)
		}
	}
}

// TestWhatWasNeverTriedAreProps: a prop that was renamed is found in the list.
func TestWhatWasNeverTriedAreProps(t *testing.T) {
	text, _ := assumptions(t)
	_, list, found := strings.Cut(text, "## What was never tried")
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
