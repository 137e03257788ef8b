package docs_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var update = flag.Bool("update", false, "rewrite docs/props.md")

const required = "required"

// TestThePropsPageIsWrittenFromTheDocComments: the code is the one place where a prop is described.
func TestThePropsPageIsWrittenFromTheDocComments(t *testing.T) {
	page := filepath.Join(root, "docs", "props.md")
	want := propsPage(t)
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := document(t, "docs", "props.md"); got != want {
		t.Error("docs/props.md is not what the doc comments say: write it with go test ./internal/docstest -update && git diff")
	}
}

const propsHead = `# Props

<!-- Written by ` + "`go test ./internal/docstest -update`" + ` from the doc comments of constructs/ingestion. -->

Two props are required. [Use the construct](construct.md#default-settings) says what you get without the others.
`

// propsPage is a table for each struct that users fill in.
func propsPage(t *testing.T) string {
	t.Helper()
	_, files := ingestionFiles(t)
	structs := optionStructs(files)
	ticks := ticked(structs)
	var page strings.Builder
	page.WriteString(propsHead)
	for _, s := range []struct{ name, heading string }{
		{"ReplayableIngestionProps", "ReplayableIngestionProps"},
		{"DefinitionOptions", "DefinitionOptions, of FromDefinition and FromDefinitionFile"},
		{"StateMachineOptions", "StateMachineOptions, of FromStateMachine"},
		{"FunctionCode", "FunctionCode, of the prop Code"},
	} {
		fmt.Fprintf(&page, "\n## %s\n\n| name | type | what it does | default |\n|---|---|---|---|\n", s.heading)
		for _, field := range structs[s.name].Fields.List {
			for _, id := range field.Names {
				fmt.Fprintf(&page, "| `%s` | `%s` | %s | %s |\n", id.Name, types.ExprString(field.Type),
					ticks(summaryOf(s.name, id.Name, field)), ticks(shownDefault(s.name, id.Name, field)))
			}
		}
		delete(structs, s.name)
	}
	for name := range structs {
		t.Errorf("docs/props.md has no table for %s", name)
	}
	return page.String()
}

// summaryOf is a doc comment without the name that it begins with and without the default, on one line.
func summaryOf(owner, name string, field *ast.Field) string {
	if owner == "FunctionCode" {
		return "Compiled code for the function in `" + strings.TrimSpace(field.Comment.Text()) + "`."
	}
	text, _, _ := strings.Cut(field.Doc.Text(), "Default:")
	text = strings.TrimPrefix(strings.Join(strings.Fields(text), " "), name+" ")
	for _, verb := range []string{"is ", "are "} {
		text = strings.TrimPrefix(text, verb)
	}
	if strings.HasPrefix(text, "of ") {
		return name + " " + text
	}
	first := []rune(text)
	first[0] = unicode.ToUpper(first[0])
	return string(first)
}

func shownDefault(owner, name string, field *ast.Field) string {
	if owner == "FunctionCode" {
		return "compiled from this module's source"
	}
	if owner == "ReplayableIngestionProps" && requiredProps[name] {
		return required
	}
	return defaultOf(field.Doc.Text())
}

var (
	named    = regexp.MustCompile(`docs/([a-z-]+\.md)`)
	codelike = regexp.MustCompile(`"[^" ]*\*[^" ]*"|\$\.[a-z.]+[a-z]|\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|\b[A-Za-z]+\b`)
)

// ticked marks code in a comment, and links the documents that it names. Words that are names here and in English, such
// as Alarms, are left alone.
func ticked(structs map[string]*ast.StructType) func(string) string {
	names := map[string]bool{}
	for _, s := range structs {
		for _, field := range s.Fields.List {
			for _, id := range field.Names {
				if strings.ContainsFunc(id.Name[1:], unicode.IsUpper) {
					names[id.Name] = true
				}
			}
		}
	}
	return func(text string) string {
		text = codelike.ReplaceAllStringFunc(text, func(word string) string {
			isWord := !strings.ContainsAny(word, `"$_`)
			if isWord && !names[word] {
				return word
			}
			return "`" + strings.Trim(word, `"`) + "`"
		})
		text = strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(text)
		return named.ReplaceAllString(text, "[$1]($1)")
	}
}
