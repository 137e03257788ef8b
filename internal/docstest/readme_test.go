package docs_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// maxReadme is what a newcomer reads in a quarter of an hour, in bytes. Everything else stands in docs.
const maxReadme = 12 * 1024

func TestReadmeIsShort(t *testing.T) {
	if n := len(readme(t)); n > maxReadme {
		t.Errorf("README.md has %d bytes, at most %d: move something to docs", n, maxReadme)
	}
}

func TestReadmeLeadsToEveryDocument(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.*"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	list := section(t, readme(t), "Documentation")
	for _, file := range append(files, "adr/README.md") {
		name := filepath.Base(file)
		if file == "adr/README.md" {
			name = file
		}
		if strings.Count(list, "(docs/"+name+")") != 1 {
			t.Errorf("README.md does not list docs/%s once under Documentation", name)
		}
	}
}

// TestReadmeNamesTenProps as the code has them. A default may be cut at its semicolon.
func TestReadmeNamesTenProps(t *testing.T) {
	_, files := ingestionFiles(t)
	fields, docs := structDocs(t, files, "ReplayableIngestionProps")
	names, cells := rows(section(t, readme(t), "The ten props that people set"))
	if len(names) != 10 {
		t.Errorf("got %d props, want 10: %v", len(names), names)
	}
	for _, name := range names {
		if !slices.Contains(fields, name) {
			t.Errorf("README.md lists %s, which is not a prop", name)
			continue
		}
		want, _, _ := strings.Cut(defaultOf(docs[name]), ";")
		if requiredProps[name] {
			want = required
		}
		if got := cells[name][2]; got != want {
			t.Errorf("README.md says that the default of %s is %q, the code %q", name, got, want)
		}
	}
	for name := range requiredProps {
		if !slices.Contains(names, name) {
			t.Errorf("README.md does not list %s, which is required", name)
		}
	}
}

// TestReadmeHasThePricesThatWereMeasured: make bench writes those of docs/cost.md.
func TestReadmeHasThePricesThatWereMeasured(t *testing.T) {
	text := section(t, readme(t), "Is it for you?")
	n := 0
	for line := range strings.Lines(section(t, document(t, "docs", "cost.md"), "Against other ways")) {
		cells := strings.Split(line, " | ")
		if len(cells) < 5 || !strings.Contains(cells[0], "ReplayableIngestion") && !strings.Contains(cells[0], "EventBridge") {
			continue
		}
		n++
		if want := cells[1] + " / " + cells[3]; !strings.Contains(text, "| "+want+" |") {
			t.Errorf("README.md lacks the price %s of %s", want, cells[0])
		}
		if strings.Contains(cells[0], "ReplayableIngestion") && !strings.Contains(text, "adds "+cells[2]+".") {
			t.Errorf("README.md does not say that a failure adds %s", cells[2])
		}
	}
	if n != 2 {
		t.Errorf("found %d rows in docs/cost.md, want 2", n)
	}
}

// TestTheGlossaryHasOneLineForEachWord, in order, so that a reader finds it and a writer sees what is there.
func TestTheGlossaryHasOneLineForEachWord(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "docs", "glossary.md"))
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if word := strings.TrimSpace(cells[0]); len(cells) == 2 && word != "word" && !strings.HasPrefix(word, "-") {
			words = append(words, word)
		}
	}
	if !slices.IsSorted(words) || len(slices.Compact(slices.Clone(words))) != len(words) {
		t.Errorf("docs/glossary.md is not in order, or has a word twice: %v", words)
	}
	for _, word := range []string{
		"dry run", "halted", "healed", "held", "lineage", "place", "probe", "quarantine", "republish", "series", "stale", "superseded",
		"target", "withheld",
	} {
		if !slices.Contains(words, word) {
			t.Errorf("docs/glossary.md does not explain %q", word)
		}
	}
}
