package docs_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every file in the map from what happens to the code exists, and every file of the packages that do the work is in it.
func TestTheMapLeadsToFiles(t *testing.T) {
	text := section(t, document(t, "docs", "architecture.md"), "Where it is in the code")
	named := map[string]bool{}
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 {
			continue
		}
		dir := ""
		for _, match := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[2], -1) {
			name := match[1]
			switch {
			case !strings.Contains(name, "/"):
				name = path.Join(dir, name)
			case strings.HasSuffix(name, ".go"):
				dir = path.Dir(name)
			default:
				dir = name
			}
			named[name] = true
			if strings.Contains(name, "<") { // stands for several
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(name))); err != nil {
				t.Errorf("%s: %v", strings.TrimSpace(cells[1]), err)
			}
		}
	}
	for _, dir := range []string{
		"internal/api", "internal/autoreplay", "internal/failurejob", "internal/ingest", "internal/listener", "internal/outcome",
		"internal/progress", "internal/store/eventlog", "internal/store/ledger",
	} {
		files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(dir), "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has %d files, %v", dir, len(files), err)
		}
		for _, file := range files {
			name := path.Join(dir, filepath.Base(file))
			if !strings.HasSuffix(name, "_test.go") && !named[name] {
				t.Errorf("the map names %s nowhere", name)
			}
		}
	}
}
