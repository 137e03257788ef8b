package docs_test

import (
	"go/ast"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

var runbook = filepath.Join(root, "docs", "operations.md")

func runbookText(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(runbook)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// alarms are the construct's fields that hold one, in their order.
func alarms(t *testing.T) (names []string) {
	t.Helper()
	_, files := ingestionFiles(t)
	fields, _ := structDocs(t, files, "ReplayableIngestion")
	for _, name := range fields {
		if strings.HasSuffix(name, "Alarm") {
			names = append(names, name)
		}
	}
	if len(names) < 12 {
		t.Fatalf("found %v: the search is broken", names)
	}
	return names
}

func TestEveryAlarmHasItsSectionAndTheOtherWayRound(t *testing.T) {
	text := section(t, runbookText(t), "Alarms")
	var sections []string
	parts := strings.Split(text, "\n### ")
	for _, part := range parts[1:] {
		title, body, _ := strings.Cut(part, "\n")
		sections = append(sections, title)
		last := 0
		for _, step := range []string{"**What it means.**", "**How bad.**", "**Look at**", "**It is over when**"} {
			at := strings.Index(body, step)
			if at < last {
				t.Errorf("section %s lacks %s, or has it out of order", title, step)
			}
			last = at
		}
		if !strings.Contains(strings.ToLower(body), "**what to do") {
			t.Errorf("section %s does not say what to do", title)
		}
	}
	if want := alarms(t); !slices.Equal(sections, want) {
		t.Errorf("docs/operations.md has sections for\n%v\nthe construct has, in this order,\n%v", sections, want)
	}
}

func TestMonitoringListsEveryAlarm(t *testing.T) {
	names, cells := rows(section(t, document(t, "docs", "monitoring.md"), "Alarms"))
	if want := alarms(t); !slices.Equal(names, want) {
		t.Errorf("docs/monitoring.md lists the alarms\n%v\nthe construct has, in this order,\n%v", names, want)
	}
	critical := 0
	for _, name := range names {
		if cells[name][2] == "critical" {
			critical++
		}
	}
	if len(names) != 14 || critical != 6 {
		t.Errorf("got %d alarms, %d critical: say so in README.md and docs/construct.md, and here", len(names), critical)
	}
	for file, want := range map[string]string{"README.md": "Six of fourteen are critical", "docs/construct.md": "fourteen, of which six are critical"} {
		if !strings.Contains(document(t, file), want) {
			t.Errorf("%s does not say %q", file, want)
		}
	}
	runbook := runbookText(t)
	for _, name := range alarms(t) {
		_, body, _ := strings.Cut(runbook, "\n### "+name+"\n")
		_, bad, _ := strings.Cut(body, "**How bad.** ")
		if severity := cells[name][2]; !strings.HasPrefix(strings.ToLower(bad), severity) {
			t.Errorf("docs/monitoring.md says that %s is %s, docs/operations.md: %.10s", name, severity, bad)
		}
	}
}

// The dashboard links sections, too.
func TestTheDashboardsLinksLeadSomewhere(t *testing.T) {
	source, err := os.ReadFile(filepath.Join(root, "constructs", "ingestion", "dashboard.go"))
	if err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`link\("[^"]+", "([a-z-]+)"\)`).FindAllStringSubmatch(string(source), -1)
	if len(links) < 3 {
		t.Fatalf("found %v: the search is broken", links)
	}
	for _, m := range links {
		if !hasAnchor(t, runbook, m[1]) {
			t.Errorf("the dashboard links #%s, which docs/operations.md does not have", m[1])
		}
	}
}

// Whoever searches the logs for a message must find it.
func TestTheRunbooksQueriesNameMessagesThatAreLogged(t *testing.T) {
	var source strings.Builder
	err := fs.WalkDir(os.DirFS(filepath.Join(root, "internal")), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(filepath.Join(root, "internal", path))
		source.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	filters := regexp.MustCompile(`message (?:= ("[^"]+")|in \[([^\]]+)\])`).FindAllStringSubmatch(runbookText(t), -1)
	if len(filters) < 8 {
		t.Fatalf("found %v: the search is broken", filters)
	}
	for _, m := range filters {
		for _, message := range regexp.MustCompile(`"[^"]+"`).FindAllString(m[1]+m[2], -1) {
			if !strings.Contains(source.String(), message) {
				t.Errorf("docs/operations.md searches for %s, which no function logs", message)
			}
		}
	}
}

func TestMonitoringNamesEveryMetric(t *testing.T) {
	text := section(t, document(t, "docs", "monitoring.md"), "Metrics")
	_, files := ingestionFiles(t)
	n := 0
	for _, f := range files {
		ast.Inspect(f, func(node ast.Node) bool {
			spec, ok := node.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if of, ok := spec.Type.(*ast.Ident); !ok || of.Name != "MetricName" {
				return true
			}
			n++
			name := spec.Names[0].Name
			if !strings.Contains(text, "`"+name+"`") {
				t.Errorf("the table of metrics in docs/monitoring.md lacks %s", name)
			}
			if !strings.HasPrefix(spec.Doc.Text(), name+" ") {
				t.Errorf("the doc comment of %s must begin with its name", name)
			}
			return true
		})
	}
	if want := len(schema.Metrics()); n != want {
		t.Errorf("found %d names, want %d", n, want)
	}
}

// The snippet is the example that compiles.
func TestMonitoringShowsTheExampleOfAlarms(t *testing.T) {
	_, snippet, _ := strings.Cut(section(t, document(t, "docs", "monitoring.md"), "Alarms"), "```go\n")
	snippet, _, _ = strings.Cut(snippet, "```")
	source, err := os.ReadFile(filepath.Join(root, "constructs", "ingestion", "example_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var indented strings.Builder
	for line := range strings.Lines(snippet) {
		indented.WriteString("\t" + line)
	}
	if snippet == "" || !strings.Contains(string(source), indented.String()) {
		t.Errorf("no example of constructs/ingestion has the code that docs/monitoring.md shows:\n%s", snippet)
	}
}
