package replay

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

func (d *decoder) transform(raw json.RawMessage) *Transform {
	fields, ok := d.object("transform", raw, "mergePatch", "jsonPatch", "jsonata", "function", "parameters")
	if !ok {
		return nil
	}
	parameters, parametrized := fields["parameters"]
	delete(fields, "parameters")
	if len(fields) != 1 {
		d.fault("transform", raw, "must have exactly one of mergePatch, jsonPatch, jsonata and function")
		return nil
	}
	if _, given := fields["function"]; parametrized && !given {
		d.fault("transform.parameters", parameters, "go with transform.function only: leave them out")
	}
	var t Transform
	for kind, value := range fields {
		switch kind {
		case "mergePatch":
			d.members("transform.mergePatch", value, 1, "must be a JSON object with at least one member (RFC 7396)")
			t.MergePatch = d.compact("transform.mergePatch", value)
		case "jsonPatch":
			d.operations(value)
			t.JSONPatch = d.compact("transform.jsonPatch", value)
		case "jsonata":
			t.JSONata = d.expression(value)
		case "function":
			if d.text("transform.function", value, &t.Function) && !FunctionName.MatchString(t.Function) {
				d.fault("transform.function", value, FunctionNameRule)
			}
			if parametrized {
				d.members("transform.parameters", parameters, 0, "must be a JSON object")
				t.Parameters = d.compact("transform.parameters", parameters)
			}
		}
	}
	return &t
}

// FunctionName is what the name of a function that transforms events has to match.
var FunctionName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// FunctionNameRule says so to people.
const FunctionNameRule = "must have 1 to 64 letters, digits, hyphens and underscores, and begin with a letter or a digit"

func (d *decoder) members(field string, raw json.RawMessage, least int, rule string) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || members == nil || len(members) < least {
		d.fault(field, raw, rule)
	}
}

func (d *decoder) expression(raw json.RawMessage) (expression string) {
	const field = "transform.jsonata"
	if !d.text(field, raw, &expression) {
		return ""
	}
	_, detail := unreadable(raw)
	switch n := len(expression); {
	case strings.TrimSpace(expression) == "":
		d.fault(field, raw, "must be a JSONata expression, whose value is the event to run")
	case n > MaxJSONataBytes:
		d.fault(field, raw, fmt.Sprintf("has %d bytes, the most is %d: shorten it, or use a function", n, MaxJSONataBytes))
	case detail != "":
		d.fault(field, raw, "must be Unicode: it "+detail)
	}
	return expression
}

// compact brings a patch into the form in which encoding/json writes it, so that it stays the same when the request is
// encoded, and checks its size in that form.
func (d *decoder) compact(field string, raw json.RawMessage) json.RawMessage {
	if path, detail := unreadable(raw); detail != "" {
		d.fault(field, strings.ToValidUTF8(Shorten(string(raw)), "\uFFFD"), fmt.Sprintf("must be Unicode: %s %s", Shorten(path), detail))
		return nil
	}
	out, err := json.Marshal(raw)
	if err != nil {
		d.fault(field, raw, "must be JSON: "+err.Error())
	}
	if len(out) > MaxTransformBytes {
		d.fault("transform", fmt.Sprintf("%d bytes", len(out)),
			fmt.Sprintf(`must have %d bytes at most without white space, with "<", ">" and "&" as \u003c, \u003e and \u0026: shorten it`, MaxTransformBytes))
	}
	return out
}

// operations checks a JSON Patch. The members that an operation needs are those of RFC 6902, section 4; others are
// ignored, as section 3 says.
func (d *decoder) operations(raw json.RawMessage) {
	const field = "transform.jsonPatch"
	var ops []json.RawMessage
	if err := json.Unmarshal(raw, &ops); err != nil || len(ops) == 0 || len(ops) > MaxPatchOperations {
		d.fault(field, raw, fmt.Sprintf("must be an array of 1 to %d operations (RFC 6902)", MaxPatchOperations))
		return
	}
	for i, op := range ops {
		at := fmt.Sprintf("%s[%d]", field, i)
		var members map[string]json.RawMessage
		if err := json.Unmarshal(op, &members); err != nil || members == nil {
			d.fault(at, op, "must be an object with op and path")
			continue
		}
		var name string
		choice(d, at+".op", members["op"], &name, "add", "remove", "replace", "move", "copy", "test")
		if members["op"] == nil {
			d.fault(at+".op", nil, `is required: "add", "remove", "replace", "move", "copy" or "test"`)
		}
		d.pointer(at+".path", members["path"])
		switch name {
		case "add", "replace", "test":
			if members["value"] == nil {
				d.fault(at+".value", nil, "is required by "+name)
			}
		case "move", "copy":
			d.pointer(at+".from", members["from"])
		}
	}
}

// pointer is the grammar of RFC 6901, section 3.
var pointer = regexp.MustCompile(`^(/([^/~]|~[01])*)*$`)

func (d *decoder) pointer(field string, raw json.RawMessage) {
	if raw == nil {
		d.fault(field, nil, `is required: a JSON pointer such as "/listing/price" (RFC 6901)`)
		return
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil || !pointer.MatchString(*s) {
		d.fault(field, raw, `must be a JSON pointer such as "/listing/price" (RFC 6901)`)
	}
}
