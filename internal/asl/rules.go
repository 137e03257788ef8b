package asl

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// These rules report at synthesis what AWS would reject at deployment. A rule is a condition on the value of a field,
// and the message if it is not met. Values that are known later, and JSONata expressions, are not checked.

// maxSeconds is the longest time that the language has, in seconds.
const maxSeconds = 99_999_999

// rule is what a field must be.
type rule struct {
	fields []string
	ok     func(v any) bool
	must   string // completes "must be"
	text   bool   // also when its value is known later
}

var (
	aPath = rule{ok: isPath, must: "a path such as $.order, $$.Execution.Id or $variable.name"}
	orNot = rule{ok: func(v any) bool { return v == nil || isPath(v) },
		must: "a path such as $.order or $$.Execution.Id, or null"}
	aPlace = rule{ok: func(v any) bool { return v == nil || isPlace(v) },
		must: "null, or a path of names and indexes such as $.result, without $$, variables, filters and wildcards"}
	// Paths of a Map's numbers: AWS refuses the context object and filters in them.
	aReference = rule{ok: isReference, must: "a path of names and indexes such as $.limit or $variable.limit, without $$, filters and wildcards"}
	aTimestamp = rule{ok: isTimestamp,
		must: "a timestamp such as 2030-01-02T03:04:05Z, with an upper-case T and a zone"}
	pathOrIntrinsic = rule{ok: func(v any) bool { return isPath(v) || isIntrinsic(v) },
		must: "a path such as $.error or an intrinsic function such as States.Format('{}', $.error)"}
	aResource = rule{fields: []string{"Resource"}, ok: isText, text: true,
		must: "a string in quotes, such as arn:aws:states:::lambda:invoke"}
	anAssign = rule{fields: []string{"Assign"}, ok: isObject, must: "an object of variables"}
)

func (r rule) of(fields ...string) rule { r.fields = fields; return r }

// number is a rule for a literal.
func number(lowest, highest int64, fields ...string) rule {
	return rule{fields: fields, ok: func(v any) bool { return isWhole(v, lowest, highest) },
		must: fmt.Sprintf("a whole number from %d to %d", lowest, highest)}
}

// rules of a state's fields, in either language.
var rules = []rule{
	number(0, maxSeconds, "Seconds"),
	number(1, maxSeconds, "TimeoutSeconds", "HeartbeatSeconds"),
	number(0, maxSeconds, "MaxConcurrency", "ToleratedFailureCount"),
	aTimestamp.of("Timestamp"),
	{fields: []string{"ToleratedFailurePercentage"}, ok: func(v any) bool { return isNumber(v, 0, 100) }, must: "a number from 0 to 100"},
	{fields: []string{"Branches"}, ok: isFilled, must: "a list of one workflow or more: add a branch, or make the state a Pass"},
	{fields: []string{"Credentials"}, ok: hasRole, must: "an object with RoleArn, the role that the task assumes"},
	anAssign,
	{fields: []string{"Label"}, ok: isLabel, must: "a name of 1 to 40 characters"},
	aResource,
}

// pathRules are those of fields that JSONPath has.
var pathRules = []rule{
	orNot.of("InputPath", "OutputPath"),
	aPlace.of("ResultPath"),
	aPath.of("ItemsPath", "SecondsPath", "TimestampPath", "TimeoutSecondsPath", "HeartbeatSecondsPath"),
	aReference.of("MaxConcurrencyPath", "ToleratedFailureCountPath", "ToleratedFailurePercentagePath"),
	pathOrIntrinsic.of("ErrorPath", "CausePath"),
}

// Rules of the parts of a state.
var (
	retryRules = []rule{
		{fields: []string{"ErrorEquals"}, ok: areNames, must: "a list of one name of an error or more, such as States.ALL"},
		number(1, maxSeconds, "IntervalSeconds"),
		number(0, maxSeconds, "MaxAttempts"),
		number(1, 31_622_400, "MaxDelaySeconds"),
		{fields: []string{"BackoffRate"}, ok: func(v any) bool { return isNumber(v, 1, maxSeconds) }, must: "a number of 1 or more"},
		{fields: []string{"JitterStrategy"}, ok: func(v any) bool { return v == "FULL" || v == "NONE" }, must: "FULL or NONE"},
	}
	catchRules = []rule{retryRules[0], aPlace.of("ResultPath"), anAssign}
	mapRules   = []rule{
		aResource,
		number(0, maxSeconds, "MaxItemsPerBatch"),
		number(0, 262_144, "MaxInputBytesPerBatch"),
		number(0, 100_000_000, "MaxItems"),
		aReference.of("MaxItemsPerBatchPath", "MaxInputBytesPerBatchPath", "MaxItemsPath"),
	}
)

// exclusive are fields of which a state, or a part of it, may have only one.
var exclusive = [][2]string{
	{"TimeoutSeconds", "TimeoutSecondsPath"}, {"HeartbeatSeconds", "HeartbeatSecondsPath"},
	{"Error", "ErrorPath"}, {"Cause", "CausePath"},
	{"MaxConcurrency", "MaxConcurrencyPath"}, {"ToleratedFailureCount", "ToleratedFailureCountPath"},
	{"ToleratedFailurePercentage", "ToleratedFailurePercentagePath"},
	{"MaxItemsPerBatch", "MaxItemsPerBatchPath"}, {"MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath"},
	{"MaxItems", "MaxItemsPath"}, {"Parameters", "ItemSelector"},
}

// templates are the JSONPath fields in which a name that ends with .$ takes a path or an intrinsic function.
var templates = []string{"Parameters", "ResultSelector", "ItemSelector", "Assign", "Credentials", "BatchInput"}

// fields checks what a state's fields hold.
func (c *checker) fields(name string, state *Object, of kindRule, language string) {
	at := &place{checker: c, state: name, language: language}
	at.holds(state, rules)
	if language == jsonPath {
		at.holds(state, pathRules)
		for _, field := range []string{"ErrorPath", "CausePath"} {
			if call, ok := state.text(field); ok {
				at.escapes(field, call)
			}
		}
	}
	at.common(state)
	if state.Has("Retry") && !of.catches {
		c.add("state %q has a Retry, which only Task, Parallel and Map can have: remove it", name)
	}
	for _, part := range []struct {
		field string
		rules []rule
	}{{"Retry", retryRules}, {"Catch", catchRules}, {"Choices", nil}} {
		if !state.Has(part.field) {
			continue
		}
		if _, ok := state.Get(part.field).([]any); !ok {
			c.add("state %q has %s as %s: it must be a list", name, brief(state.Get(part.field)), part.field)
		}
		entries := objects(state.Get(part.field))
		for i, o := range entries {
			in := at.within(fmt.Sprintf("%s[%d].", part.field, i))
			in.holds(o, part.rules)
			in.common(o)
			switch part.field {
			case "Choices":
				in.condition(o)
			default:
				in.errors(o, i == len(entries)-1)
			}
		}
	}
	for _, part := range []string{"ItemReader", "ResultWriter", "ItemBatcher"} {
		if o, ok := state.Get(part).(*Object); ok {
			in := at.within(part + ".")
			in.holds(o, mapRules)
			in.common(o)
			if config, ok := o.Get("ReaderConfig").(*Object); ok {
				in = in.within("ReaderConfig.")
				in.holds(config, mapRules)
				in.common(config)
			}
		}
	}
	heartbeat, limit := state.Get("HeartbeatSeconds"), state.Get("TimeoutSeconds")
	if isWhole(heartbeat, 1, maxSeconds) && isWhole(limit, 1, maxSeconds) && compare(heartbeat, limit) >= 0 {
		c.add("state %q has %s as HeartbeatSeconds: it must be less than TimeoutSeconds, %s", name, brief(heartbeat), brief(limit))
	}
}

// place is a state or a part of one, with its name before that of a field.
type place struct {
	*checker
	state, part, language string
}

func (p *place) within(part string) *place {
	return &place{p.checker, p.state, p.part + part, p.language}
}

// holds checks fields by a table.
func (p *place) holds(o *Object, all []rule) {
	for _, r := range all {
		for _, field := range r.fields {
			v := o.Get(field)
			if known := !p.later(v) || r.text && isRaw(v) && v != unusable; o.Has(field) && known && !r.ok(v) {
				p.add("state %q has %s as %s%s: it must be %s", p.state, brief(v), p.part, field, r.must)
			}
		}
	}
}

// later reports whether a value is known only when the definition is deployed or run.
func (p *place) later(v any) bool {
	s, _ := v.(string)
	return isRaw(v) || strings.Contains(s, "${Token[") || p.language == jsonata && strings.HasPrefix(s, "{%")
}

// common checks what every part of a state may have.
func (p *place) common(o *Object) {
	for _, pair := range exclusive {
		if o.Has(pair[0]) && o.Has(pair[1]) {
			p.add("state %q has both %s%s and %s%s: remove one", p.state, p.part, pair[0], p.part, pair[1])
		}
	}
	if assigned, ok := o.Get("Assign").(*Object); ok {
		for _, key := range assigned.Keys() {
			if variable := strings.TrimSuffix(key, ".$"); slices.Contains(p.variables, variable) || variable == "states" {
				p.add("state %q assigns the variable %q in %sAssign, which is reserved: rename it", p.state, variable, p.part)
			}
		}
	}
	if p.language == jsonata {
		for _, key := range o.Keys() {
			if !slices.Contains(elsewhere, key) {
				p.expressions(key, o.Get(key))
			}
		}
		return
	}
	for _, field := range templates {
		p.template(field, o.Get(field))
	}
}

// elsewhere are fields that are checked in another place, and comments.
var elsewhere = []string{"Choices", "Catch", "ItemProcessor", "Iterator", "Branches", "Comment"}

// template checks the values of names that end with .$, at any depth.
func (p *place) template(where string, v any) {
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			p.template(fmt.Sprintf("%s[%d]", where, i), e)
		}
	case *Object:
		for _, key := range v.Keys() {
			value, at := v.Get(key), where+"."+key
			plain, dynamic := strings.CutSuffix(key, ".$")
			if dynamic && v.Has(plain) {
				p.add("state %q has both %q and %q in %s%s: remove one", p.state, plain, key, p.part, where)
			}
			switch {
			case !dynamic:
				p.template(at, value)
			case p.later(value):
			case !isPath(value) && !isIntrinsic(value):
				p.add("state %q has %s as %s%s: it must be a path such as $.order or an intrinsic function such as States.UUID(); "+
					"for a constant, take .$ off the name", p.state, brief(value), p.part, at)
			default:
				p.escapes(at, value.(string))
			}
		}
	}
}

// quoted matches the strings in an intrinsic function.
var quoted = regexp.MustCompile(`'(?:[^'\\]|\\.)*'`)

// escapes allows only the language's escapes in the strings of intrinsic functions: \' \{ \} and \\.
func (p *place) escapes(where, call string) {
	if !isIntrinsic(call) {
		return
	}
	for _, text := range quoted.FindAllString(call, -1) {
		for i := 0; i < len(text)-1; i++ {
			if text[i] != '\\' {
				continue
			}
			i++
			if !strings.ContainsRune(`'{}\`, rune(text[i])) {
				p.add(`state %q has the escape \%c in %s%s: an intrinsic function knows \' \{ \} and \\ only; double the backslash`,
					p.state, text[i], p.part, where)
			}
		}
	}
}

// expressions checks that a string that begins as a JSONata expression also ends as one, and can be read.
func (p *place) expressions(where string, v any) {
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			p.expressions(fmt.Sprintf("%s[%d]", where, i), e)
		}
	case *Object:
		for _, key := range v.Keys() {
			p.expressions(where+"."+key, v.Get(key))
		}
	case string:
		if strings.HasPrefix(v, "{%") != strings.HasSuffix(v, "%}") {
			p.add("state %q has %s as %s%s: an expression begins with {%% and ends with %%}, with nothing around it",
				p.state, brief(v), p.part, where)
		} else if inner, ok := strings.CutPrefix(v, "{%"); ok {
			if why := unreadable(strings.TrimSuffix(inner, "%}")); why != "" {
				p.add("state %q has %s as %s%s: the expression has %s", p.state, brief(v), p.part, where, why)
			}
		}
	}
}

// errors checks that a Retry or a Catch names its errors.
func (p *place) errors(o *Object, last bool) {
	if !o.Has("ErrorEquals") {
		p.add("state %q has no %sErrorEquals: name the errors, such as States.ALL", p.state, p.part)
	}
	names, _ := o.Get("ErrorEquals").([]any)
	if slices.Contains(names, any("States.ALL")) && (len(names) > 1 || !last) {
		p.add("state %q has States.ALL in %sErrorEquals: it must stand alone, and in the last entry", p.state, p.part)
	}
}

var (
	path      = regexp.MustCompile(`^\$(\$|[\pL_][\pL\pN_]*)?((\.\.?[^\s.]|\[).*)?$`)
	variable  = regexp.MustCompile(`^\$[\pL_][\pL\pN_]*`)
	reference = regexp.MustCompile(`^\$(\.[^\s.\[\]@,:?*]+|\['[^']*'\]|\["[^"]*"\]|\[\d+\])*$`)
	intrinsic = regexp.MustCompile(`(?s)^States\.[A-Za-z0-9]+\(.*\)$`)
	zoned     = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)
)
