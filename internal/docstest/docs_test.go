// Package docs_test compares the documentation with the code, so that neither moves without the other.
package docs_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var root = filepath.Join("..", "..")

// ingestionFiles parses a Go package's files, tests included.
func ingestionFiles(t *testing.T) (*token.FileSet, []*ast.File) {
	t.Helper()
	fset := token.NewFileSet()
	names, err := filepath.Glob(filepath.Join(root, "constructs", "ingestion", "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	var files []*ast.File
	for _, name := range names {
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return fset, files
}

// structDocs returns the exported fields of a struct in their order, with their doc comments.
func structDocs(t *testing.T, files []*ast.File, name string) (fields []string, docs map[string]string) {
	t.Helper()
	docs = map[string]string{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || spec.Name.Name != name {
				return true
			}
			for _, field := range spec.Type.(*ast.StructType).Fields.List {
				for _, id := range field.Names {
					if id.IsExported() {
						fields = append(fields, id.Name)
						docs[id.Name] = field.Doc.Text()
					}
				}
			}
			return false
		})
	}
	if len(fields) == 0 {
		t.Fatalf("found no struct %s", name)
	}
	return fields, docs
}

// defaultOf returns what a doc comment says after "Default:", on one line and without the full stop.
func defaultOf(doc string) string {
	_, after, found := strings.Cut(doc, "Default:")
	if !found {
		return ""
	}
	return strings.TrimSuffix(strings.Join(strings.Fields(after), " "), ".")
}

func readme(t *testing.T) string { return document(t, "README.md") }

// document reads a file by its path in the repository.
func document(t *testing.T, elem ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, filepath.Join(elem...)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// section returns what stands below a heading, up to the next one of its level.
func section(t *testing.T, text, heading string) string {
	t.Helper()
	_, after, found := strings.Cut(text, "\n## "+heading+"\n")
	if !found {
		t.Fatalf("no section %q in\n%.200s", heading, text)
	}
	before, _, _ := strings.Cut(after, "\n## ")
	return before
}

// rows returns the cells of the rows of the first table in a text, by the name in the first cell.
func rows(text string) (names []string, cells map[string][]string) {
	cells = map[string][]string{}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		c := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range c {
			c[i] = strings.TrimSpace(c[i])
		}
		name := strings.Trim(c[0], "`")
		names = append(names, name)
		cells[name] = c
	}
	return names, cells
}

// The program in README is the example that compiles.
func TestReadmeShowsTheExample(t *testing.T) {
	fset, files := ingestionFiles(t)
	var body string
	for _, f := range files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Name.Name != "ExampleNewReplayableIngestion" {
				continue
			}
			src, err := os.ReadFile(fset.Position(fn.Pos()).Filename)
			if err != nil {
				t.Fatal(err)
			}
			body = string(src[fset.Position(fn.Body.Lbrace).Offset+1 : fset.Position(fn.Body.Rbrace).Offset])
		}
	}
	if body == "" {
		t.Fatal("constructs/ingestion has no ExampleNewReplayableIngestion")
	}
	text := readme(t)
	if !strings.Contains(text, "func main() {"+body+"}") {
		t.Errorf("README.md does not show the body of ExampleNewReplayableIngestion, which is\n%s", body)
	}
	_, program, _ := strings.Cut(text, "```go\npackage main\n")
	program, _, _ = strings.Cut(program, "```")
	f, err := parser.ParseFile(token.NewFileSet(), "readme.go", "package main\n"+program, 0)
	if err != nil {
		t.Fatalf("the program in README.md: %v", err)
	}
	for _, i := range f.Imports {
		name := i.Path.Value[strings.LastIndex(i.Path.Value, "/")+1:]
		name = strings.TrimSuffix(name, `"`)
		if known, ok := map[string]string{"v2": "awscdk", "jsii-runtime-go": "jsii"}[name]; ok {
			name = known
		}
		if !strings.Contains(program, name+".") {
			t.Errorf("the program in README.md imports %s and does not use it", i.Path.Value)
		}
	}
}

// TestTheConstructsPageNamesEveryMethod covers grants and lists. Metrics have a page of their own.
func TestTheConstructsPageNamesEveryMethod(t *testing.T) {
	_, files := ingestionFiles(t)
	text := document(t, "docs", "construct.md")
	n := 0
	for _, f := range files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || !fn.Name.IsExported() || fmt.Sprint(receiver(fn)) != "ReplayableIngestion" ||
				strings.HasPrefix(fn.Name.Name, "Metric") {
				continue
			}
			n++
			if !strings.Contains(text, "`"+fn.Name.Name+"`") {
				t.Errorf("docs/construct.md does not name the method %s", fn.Name.Name)
			}
		}
	}
	if n < 5 {
		t.Errorf("found %d methods: the search is broken", n)
	}
}

func receiver(fn *ast.FuncDecl) ast.Expr {
	if star, ok := fn.Recv.List[0].Type.(*ast.StarExpr); ok {
		return star.X
	}
	return fn.Recv.List[0].Type
}
