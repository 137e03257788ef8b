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

// assumptions are the rows of the tables of docs/aws.md: an assumption, its source, and the checks that test it.
func assumptions(t *testing.T) (rows [][]string) {
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
	return rows
}

// TestEveryAssumptionHasItsSourceAndItsCheck requires a document of AWS with a section or an operation, and existing
// smoke checks. Every check must belong to an assumption.
func TestEveryAssumptionHasItsSourceAndItsCheck(t *testing.T) {
	rows := assumptions(t)
	if len(rows) < 50 {
		t.Fatalf("got %d assumptions, want 50 or more: the search is broken", len(rows))
	}
	source := regexp.MustCompile(`(Guide|Reference)(: |:? ?")(\*?".+"|[A-Z][A-Za-z]+)`)
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
				t.Errorf("%s: smoke check %s does not exist", row[0], check)
			}
		}
	}
	for _, name := range smoke.Names() {
		if !named[name] {
			t.Errorf("no assumption names the smoke check %s", name)
		}
	}
}
