package docs_test

import (
	"go/ast"
	"go/types"
	"regexp"
	"strings"
	"testing"
)

// requiredProps are those without which there is no construct. They need no default.
var requiredProps = map[string]bool{"Workflow": true, "ResourceIdPath": true}

var isOptions = regexp.MustCompile(`(Props|Options|Code)$`)

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
			if s, ok := spec.Type.(*ast.StructType); ok && isOptions.MatchString(name) {
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
