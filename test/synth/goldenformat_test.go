package synth_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// normalize returns a stage's template without what is not ours, or moves without a change of the template: the CLI's
// bootstrap check, assets, hashes and the stack's name. State machine definitions become JSON again and intrinsic
// functions text, so that a change of a state or of an ARN is a change of one line. Logical ids are pinned by
// TestLogicalIDs.
func normalize(t *testing.T, stage string) map[string]any {
	t.Helper()
	tpl := decode[map[string]any](t, json.RawMessage(sharedTemplate(t, stage)))
	delete(tpl, "Parameters")
	delete(tpl, "Rules")
	resources := map[string]any{}
	for id, r := range tpl["Resources"].(map[string]any) {
		r := r.(map[string]any)
		delete(r, "Metadata")
		if on, ok := r["DependsOn"].([]any); ok {
			for i := range on {
				on[i] = readable(on[i].(string))
			}
		}
		props, _ := r["Properties"].(map[string]any)
		delete(props, "Tags") // TestStagesAreTagged
		switch r["Type"] {
		case "AWS::Lambda::Function":
			props["Code"] = "<asset>"
		case "AWS::StepFunctions::StateMachine":
			props["DefinitionString"] = definition(t, props)
		}
		if _, taken := resources[readable(id)]; taken {
			t.Fatalf("two resources are called %s without their hash", readable(id))
		}
		resources[readable(id)] = r
	}
	tpl["Resources"] = resources
	return withoutNames(t, fold(tpl), "listings-"+stage)
}

var (
	nameHash       = regexp.MustCompile(`(<stack>[A-Za-z]*?)[0-9A-F]{8}`)
	deploymentHash = regexp.MustCompile(`[0-9A-F]{8}[0-9a-f]{32}`)
)

// withoutNames takes the name of the stack out of names and descriptions, and the hash of an API's deployment.
func withoutNames(t *testing.T, tpl any, stack string) (out map[string]any) {
	t.Helper()
	text := compactJSON(t, tpl)
	text = strings.NewReplacer(stack, "<stack>", strings.ReplaceAll(stack, "-", ""), "<stack>").Replace(text)
	text = nameHash.ReplaceAllString(text, "$1")
	text = deploymentHash.ReplaceAllString(text, "")
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// fold replaces references and joins by text.
func fold(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = fold(v[i])
		}
	case map[string]any:
		if text := render(v); strings.Contains(text, "${") && len(v) == 1 && !strings.HasPrefix(text, "map[") {
			return text
		}
		for k := range v {
			v[k] = fold(v[k])
		}
	}
	return v
}

// compactJSON writes v on one line, with sorted keys.
func compactJSON(t *testing.T, v any) string {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(buf.String(), "\n")
}

// lineWidth is the length up to which prettyJSON puts an object or a list on one line.
const lineWidth = 120

// prettyJSON indents v and puts what fits on one line, so that a resource is a few lines.
func prettyJSON(t *testing.T, v map[string]any) []byte {
	t.Helper()
	return append(pretty(t, nil, v, ""), '\n')
}

func pretty(t *testing.T, out []byte, v any, indent string) []byte {
	t.Helper()
	line := compactJSON(t, v)
	if len(indent)+len(line) <= lineWidth && indent != "" {
		return append(out, line...)
	}
	inner := indent + " "
	switch v := v.(type) {
	case map[string]any:
		out = append(out, '{')
		for i, k := range slices.Sorted(maps.Keys(v)) {
			out = fmt.Appendf(out, "%s\n%s%q: ", comma(i), inner, k)
			out = pretty(t, out, v[k], inner)
		}
		return fmt.Appendf(out, "\n%s}", indent)
	case []any:
		out = append(out, '[')
		for i := range v {
			out = fmt.Appendf(out, "%s\n%s", comma(i), inner)
			out = pretty(t, out, v[i], inner)
		}
		return fmt.Appendf(out, "\n%s]", indent)
	}
	return append(out, line...)
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// differences lists where got differs from want, one line each: the path, what is wanted, what there is instead.
func differences(path string, want, got any) (lines []string) {
	if w, ok := want.(map[string]any); ok {
		if g, ok := got.(map[string]any); ok {
			keys := maps.Clone(w)
			maps.Copy(keys, g)
			for _, k := range slices.Sorted(maps.Keys(keys)) {
				lines = append(lines, differences(strings.TrimPrefix(path+"."+k, "."), w[k], g[k])...)
			}
			return lines
		}
	}
	if w, ok := want.([]any); ok {
		if g, ok := got.([]any); ok && len(g) == len(w) {
			for i := range w {
				lines = append(lines, differences(fmt.Sprintf("%s[%d]", path, i), w[i], g[i])...)
			}
			return lines
		}
	}
	w, g := text(want), text(got)
	if w == g {
		return nil
	}
	return []string{fmt.Sprintf("%s: %s -> %s", path, w, g)}
}

// text is v as JSON; what is missing is called so.
func text(v any) string {
	if v == nil {
		return "nothing"
	}
	b, _ := json.Marshal(v) // v comes from JSON
	return string(b)
}

func TestDifferencesNamePathAndBothValues(t *testing.T) {
	want := map[string]any{"a": map[string]any{"b": []any{0, 1}, "c": []any{"x"}}, "gone": true, "same": "s"}
	got := map[string]any{"a": map[string]any{"b": []any{0, 2}, "c": []any{"x", "y"}}, "new": "n", "same": "s"}
	lines := strings.Join(differences("", want, got), "\n")
	if want := "a.b[1]: 1 -> 2\na.c: [\"x\"] -> [\"x\",\"y\"]\ngone: true -> nothing\nnew: nothing -> \"n\""; lines != want {
		t.Errorf("got\n%s\nwant\n%s", lines, want)
	}
}
