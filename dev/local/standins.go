package local

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// warnOfStandIns names the resources that the emulator does not create. It deploys stand-ins for them, which do nothing.
func (r *run) warnOfStandIns() error {
	types, err := r.stack.emulator.ResourceTypes()
	if err != nil {
		return err
	}
	stacks, err := stacksOf(r.assembly)
	if err != nil {
		return err
	}
	lacking := map[string][]string{}
	for _, s := range stacks {
		var t template
		if err := readJSON(s.template, &t); err != nil {
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
			if kind, lacks := t.Resources[id].lacking(types); lacks {
				lacking[kind] = append(lacking[kind], t.Resources[id].called(s.name, id))
			}
		}
	}
	var lines []string
	for _, kind := range slices.Sorted(maps.Keys(lacking)) {
		lines = append(lines, fmt.Sprintf("  %s: %s", kind, strings.Join(lacking[kind], ", ")))
	}
	text := strings.Join(lines, "\n")
	if text != "" && text != r.standIns {
		r.say("warning: the emulator has no such resources. The stack is deployed with stand-ins, which do nothing:\n%s", text)
	}
	r.standIns = text
	return nil
}

// lacking reports whether the emulator has a stand-in for a resource, and of which kind the resource is.
func (r resource) lacking(types []string) (kind string, lacks bool) {
	switch {
	case r.Type == "AWS::CloudWatch::Alarm":
		var p struct{ Metrics []json.RawMessage }
		return r.Type + " of a metric math expression", json.Unmarshal(r.Properties, &p) == nil && len(p.Metrics) > 0
	case strings.HasPrefix(r.Type, "Custom::"), strings.HasPrefix(r.Type, "AWS::CloudFormation::"):
		return r.Type, false
	}
	return r.Type, !slices.Contains(types, r.Type)
}

// called is the path of a resource's construct, or else its stack and logical id.
func (r resource) called(stack, id string) string {
	if r.Metadata.Path == "" {
		return stack + "/" + id
	}
	return strings.TrimSuffix(r.Metadata.Path, "/Resource")
}
