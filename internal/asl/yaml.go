package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// decodeYAML reads one document of YAML, as decode reads JSON. Numbers keep every digit.
func decodeYAML(text string) (any, error) {
	d := yamlDecoder{}
	documents := yaml.NewDecoder(strings.NewReader(d.withoutBraces(text)))
	var doc yaml.Node
	if err := documents.Decode(&doc); errors.Is(err, io.EOF) || err == nil && len(doc.Content) != 1 {
		return nil, errors.New("is empty: pass a workflow in the Amazon States Language, as JSON or YAML")
	} else if err != nil {
		return nil, fmt.Errorf("is neither JSON nor valid YAML: %w", err)
	}
	for { // a trailing --- starts an empty document, which does not count
		var other yaml.Node
		err := documents.Decode(&other)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("is neither JSON nor valid YAML: %w", err)
		}
		if len(other.Content) > 0 && other.Content[0].ShortTag() != "!!null" {
			return nil, fmt.Errorf("has a second YAML document at line %d: put it into a file of its own, or remove the --- "+
				"before it", other.Content[0].Line)
		}
	}
	v, err := d.value(doc.Content[0], nil)
	if err != nil {
		return nil, err
	}
	return v, errors.Join(d.twice...)
}

type yamlDecoder struct {
	placeholders []string
	twice        []error
	nodes        int
}

// braced is what may be a placeholder or a token. YAML ends a scalar in a list [a, b] at its braces, and splits it at a
// colon.
var braced = regexp.MustCompile(`\$\{[^{}"'\\\r\n]*\}`)

// stashed stands for one of them while YAML is read.
var stashed = regexp.MustCompile("\ue000(\\d+)\ue001")

func (d *yamlDecoder) withoutBraces(text string) string {
	if strings.Contains(text, "\ue000") { // the text has the character itself
		return text
	}
	return braced.ReplaceAllStringFunc(text, func(found string) string {
		d.placeholders = append(d.placeholders, found)
		return fmt.Sprintf("\ue000%d\ue001", len(d.placeholders)-1)
	})
}

func (d *yamlDecoder) withBraces(text string) string {
	return stashed.ReplaceAllStringFunc(text, func(found string) string {
		if i, err := strconv.Atoi(strings.Trim(found, "\ue000\ue001")); err == nil && i < len(d.placeholders) {
			return d.placeholders[i]
		}
		return found
	})
}

// maxNodes is far beyond what fits into a definition. It ends aliases of aliases.
const maxNodes = 1 << 20

func (d *yamlDecoder) value(n *yaml.Node, path []string) (any, error) {
	if d.nodes++; len(path) > maxDepth || d.nodes > maxNodes {
		return nil, fmt.Errorf("is nested more than %d deep or has more than %d values: Step Functions does not take it",
			maxDepth, maxNodes)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return d.value(n.Alias, path)
	case yaml.MappingNode:
		return d.object(n, path)
	case yaml.SequenceNode:
		if n.ShortTag() != "!!seq" {
			return nil, foreignTag(n, path)
		}
		list := make([]any, len(n.Content))
		for i, e := range n.Content {
			v, err := d.value(e, append(path, fmt.Sprint(i)))
			if err != nil {
				return nil, err
			}
			list[i] = v
		}
		return list, nil
	}
	return d.scalar(n, path)
}

func (d *yamlDecoder) object(n *yaml.Node, path []string) (any, error) {
	if n.ShortTag() != "!!map" {
		return nil, foreignTag(n, path)
	}
	o := &Object{values: map[string]any{}}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("has a name at line %d in %s that is not a string: write it as one", key.Line, at(path))
		}
		if key.ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		name := d.withBraces(key.Value)
		v, err := d.value(value, append(path, name))
		if err != nil {
			return nil, err
		}
		if o.Has(name) {
			d.twice = append(d.twice, fmt.Errorf("has the name %q twice in %s: rename or remove one", name, at(path)))
		}
		o.Set(name, v)
	}
	for _, other := range merged {
		if err := d.merge(o, other, path); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// merge adds the members of one mapping, or of several, that the object lacks: YAML's <<.
func (d *yamlDecoder) merge(o *Object, n *yaml.Node, path []string) error {
	v, err := d.value(n, append(path, "<<")) // deeper, so that one that merges itself comes to an end
	if err != nil {
		return err
	}
	others, ok := v.([]any)
	if !ok {
		others = []any{v}
	}
	for _, v := range others {
		other, ok := v.(*Object)
		if !ok {
			return fmt.Errorf("has << at line %d in %s with %s: merge mappings only", n.Line, at(path), kind(v))
		}
		for _, key := range other.Keys() {
			if !o.Has(key) {
				o.Set(key, other.Get(key))
			}
		}
	}
	return nil
}

func (d *yamlDecoder) scalar(n *yaml.Node, path []string) (any, error) {
	switch n.ShortTag() {
	case "!!str", "!!timestamp":
		text := d.withBraces(n.Value)
		if isPlain(n) && text == braced.FindString(text) && isLiteral(path) {
			return bare + text, nil
		}
		return text, nil
	case "!!null":
		return nil, nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true"), nil
	case "!!int", "!!float":
		if leadingZero.MatchString(n.Value) {
			return nil, fmt.Errorf("has the number %s at line %d in %s, whose leading zero YAML drops: put quotes around it",
				n.Value, n.Line, at(path))
		}
		if number := strings.TrimPrefix(strings.ReplaceAll(n.Value, "_", ""), "+"); json.Valid([]byte(number)) {
			return json.Number(number), nil
		}
		if whole, ok := new(big.Int).SetString(strings.ReplaceAll(n.Value, "_", ""), 0); ok { // 0x1F
			return json.Number(whole.String()), nil
		}
		return nil, fmt.Errorf("has the number %s at line %d, which JSON does not have: write it in decimal digits",
			n.Value, n.Line)
	}
	return nil, foreignTag(n, path)
}

// leadingZero matches what is rather the number of an account, or another id, than a number.
var leadingZero = regexp.MustCompile(`^[-+]?0[0-9_]`)

func isPlain(n *yaml.Node) bool {
	return n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
}

func foreignTag(n *yaml.Node, path []string) error {
	return fmt.Errorf("has the tag %s at line %d in %s, which only CloudFormation's own templates have: write ${name} and "+
		"add name to Substitutions", n.Tag, n.Line, at(path))
}
