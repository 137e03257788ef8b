package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"go.yaml.in/yaml/v4"
)

// decodeYAML reads one document of YAML, as decode reads JSON. Numbers keep every digit.
func decodeYAML(text string) (any, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, fmt.Errorf("is neither JSON nor valid YAML: %w", err)
	}
	if len(doc.Content) != 1 {
		return nil, errors.New("is empty: pass a workflow in the Amazon States Language, as JSON or YAML")
	}
	d := yamlDecoder{}
	v, err := d.value(doc.Content[0], nil)
	if err != nil {
		return nil, err
	}
	return v, errors.Join(d.twice...)
}

type yamlDecoder struct {
	twice []error
	nodes int
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
	return scalar(n, path)
}

func (d *yamlDecoder) object(n *yaml.Node, path []string) (any, error) {
	if n.ShortTag() != "!!map" {
		return nil, foreignTag(n, path)
	}
	o := &Object{values: map[string]any{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			return nil, fmt.Errorf("has a name at line %d in %s that is not a string: write it as one", key.Line, at(path))
		}
		v, err := d.value(n.Content[i+1], append(path, key.Value))
		if err != nil {
			return nil, err
		}
		if o.Has(key.Value) {
			d.twice = append(d.twice, fmt.Errorf("has the name %q twice in %s: rename or remove one", key.Value, at(path)))
		}
		o.Set(key.Value, v)
	}
	return o, nil
}

func scalar(n *yaml.Node, path []string) (any, error) {
	switch n.ShortTag() {
	case "!!str", "!!timestamp":
		return n.Value, nil
	case "!!null":
		return nil, nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true"), nil
	case "!!int", "!!float":
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

func foreignTag(n *yaml.Node, path []string) error {
	return fmt.Errorf("has the tag %s at line %d in %s, which only CloudFormation's own templates have: write ${name} and "+
		"add name to Substitutions", n.Tag, n.Line, at(path))
}
