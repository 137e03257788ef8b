// Package docs_test compares the documentation with the code, so that neither moves without the other.
package docs_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
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

func readme(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "README.md"))
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
		t.Fatalf("README.md has no section %q", heading)
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

const required = "required"

// requiredProps are those without which there is no construct. They need no default.
var requiredProps = map[string]bool{"Workflow": true, "ResourceIdPath": true}

// optionStructs are the exported structs that users fill in.
func optionStructs(files []*ast.File) map[string]*ast.StructType {
	found := map[string]*ast.StructType{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || !spec.Name.IsExported() {
				return true
			}
			name := spec.Name.Name
			if s, ok := spec.Type.(*ast.StructType); ok && (strings.HasSuffix(name, "Props") || strings.HasSuffix(name, "Options") || strings.HasSuffix(name, "Code")) {
				found[name] = s
			}
			return false
		})
	}
	return found
}

// TestEveryPropIsDocumented: a summary that begins with its name, a range where there is one, and the default. The ready
// code of a function needs none but a word.
func TestEveryPropIsDocumented(t *testing.T) {
	_, files := ingestionFiles(t)
	structs := optionStructs(files)
	if structs["ReplayableIngestionProps"] == nil || structs["FunctionCode"] == nil {
		t.Fatalf("found only %d structs", len(structs))
	}
	for owner, s := range structs {
		for _, field := range s.Fields.List {
			for _, id := range field.Names {
				for _, fault := range faultsOf(owner, id.Name, field) {
					t.Errorf("%s.%s %s", owner, id.Name, fault)
				}
			}
		}
	}
}

func faultsOf(owner, name string, field *ast.Field) (faults []string) {
	doc := field.Doc.Text()
	if owner == "FunctionCode" {
		if field.Comment.Text() == "" && doc == "" {
			return []string{"has no comment"}
		}
		return nil
	}
	needed := owner == "ReplayableIngestionProps" && requiredProps[name]
	has := defaultOf(doc) != ""
	if !strings.HasPrefix(doc, name+" ") {
		faults = append(faults, "must have a doc comment that begins with its name")
	}
	if !has && !needed {
		faults = append(faults, "has no \"Default:\" in its doc comment")
	}
	if has && needed {
		faults = append(faults, "is required and has a default")
	}
	summary, _, _ := strings.Cut(doc, "Default:")
	if kind := types.ExprString(field.Type); (kind == "*float64" || kind == "awscdk.Duration") && !isRange.MatchString(summary) {
		faults = append(faults, "is a number and names no range in its doc comment, such as 1 to 100, or 1 second or more")
	}
	return faults
}

var isRange = regexp.MustCompile(`(?s)\S+\s+to\s+[0-9]|or\s+more`)

func TestReadmeListsEveryProp(t *testing.T) {
	_, files := ingestionFiles(t)
	fields, docs := structDocs(t, files, "ReplayableIngestionProps")
	names, cells := rows(section(t, readme(t), "Props"))
	if got, want := strings.Join(names, " "), strings.Join(fields, " "); got != want {
		t.Errorf("README.md lists the props\n%s\nthe code has, in this order,\n%s", got, want)
	}
	for _, name := range fields {
		want := defaultOf(docs[name])
		if requiredProps[name] {
			want = required
		}
		row, listed := cells[name]
		if listed && (len(row) != 3 || row[2] != want) {
			t.Errorf("README.md, prop %s: got row %q, want its last cell to be %q", name, row, want)
		}
	}
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

// TestReadmeNamesEveryMethod covers grants and metrics.
func TestReadmeNamesEveryMethod(t *testing.T) {
	_, files := ingestionFiles(t)
	text := readme(t)
	for _, f := range files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || !fn.Name.IsExported() || fmt.Sprint(receiver(fn)) != "ReplayableIngestion" {
				continue
			}
			if !strings.Contains(text, "`"+fn.Name.Name+"`") {
				t.Errorf("README.md does not name the method %s", fn.Name.Name)
			}
		}
	}
}

func receiver(fn *ast.FuncDecl) ast.Expr {
	if star, ok := fn.Recv.List[0].Type.(*ast.StarExpr); ok {
		return star.X
	}
	return fn.Recv.List[0].Type
}
