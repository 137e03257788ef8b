package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestWhatWasNeverTriedAreProps: a prop that was renamed is found in the list.
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
