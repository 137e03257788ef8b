package asl

import "fmt"

// kindRule is what the structure of a kind of state must be.
type kindRule struct {
	leadsOn  bool // by Next or End
	catches  bool
	required []string
	oneOf    []string
}

var kinds = map[string]kindRule{
	"Task":     {leadsOn: true, catches: true, required: []string{"Resource"}},
	"Parallel": {leadsOn: true, catches: true, required: []string{"Branches"}},
	"Map":      {leadsOn: true, catches: true, oneOf: []string{"ItemProcessor", "Iterator"}},
	"Pass":     {leadsOn: true},
	"Wait":     {leadsOn: true, oneOf: []string{"Seconds", "SecondsPath", "Timestamp", "TimestampPath"}},
	"Choice":   {required: []string{"Choices"}},
	"Succeed":  {},
	"Fail":     {},
}

// foreign are fields that only one query language has, with what to use in the other.
type foreign struct{ field, instead string }

const expression = "an expression {% … %} in "

// Fields of JSONPath, and what replaces them in JSONata.
var onlyJSONPath = []foreign{
	{"InputPath", "$states.input in the expressions"},
	{"Parameters", "Arguments, or Output in a Pass, or ItemSelector in a Map"},
	{"ResultSelector", "Output"},
	{"ResultPath", "Output"},
	{"OutputPath", "Output"},
	{"Result", "Output"},
	{"ItemsPath", "Items"},
	{"SecondsPath", expression + "Seconds"},
	{"TimestampPath", expression + "Timestamp"},
	{"TimeoutSecondsPath", expression + "TimeoutSeconds"},
	{"HeartbeatSecondsPath", expression + "HeartbeatSeconds"},
	{"ErrorPath", expression + "Error"},
	{"CausePath", expression + "Cause"},
	{"MaxConcurrencyPath", expression + "MaxConcurrency"},
	{"ToleratedFailureCountPath", expression + "ToleratedFailureCount"},
	{"ToleratedFailurePercentagePath", expression + "ToleratedFailurePercentage"},
}

// Fields of JSONata.
var onlyJSONata = []foreign{
	{"Arguments", "Parameters"},
	{"Output", "Parameters, ResultSelector, ResultPath and OutputPath"},
	{"Items", "ItemsPath"},
}

// In parts of a state.
var (
	partsOfJSONPath = map[string][]foreign{
		"Catch":        {{"ResultPath", "Output"}},
		"ItemReader":   {{"Parameters", "Arguments"}},
		"ResultWriter": {{"Parameters", "Arguments"}},
		"ReaderConfig": {{"MaxItemsPath", expression + "MaxItems"}},
		"ItemBatcher": {
			{"MaxItemsPerBatchPath", expression + "MaxItemsPerBatch"},
			{"MaxInputBytesPerBatchPath", expression + "MaxInputBytesPerBatch"},
		},
	}
	partsOfJSONata = map[string][]foreign{
		"Catch":        {{"Output", "ResultPath"}},
		"Choices":      {{"Condition", "Variable and a comparison"}, {"Output", "a Pass behind the rule"}},
		"ItemReader":   {{"Arguments", "Parameters"}},
		"ResultWriter": {{"Arguments", "Parameters"}},
	}
)

// speaks checks that a state's fields are of its query language.
func (c *checker) speaks(name, kindOf string, state *Object, language string) {
	fields, parts, remedy := onlyJSONPath, partsOfJSONPath, ""
	switch language {
	case jsonata:
		c.conditions(name, kindOf, state)
	case jsonPath:
		fields, parts, remedy = onlyJSONata, partsOfJSONata, `, or set "QueryLanguage": "JSONata" in the state`
	default:
		return // it was already rejected
	}
	report := func(where string, o *Object, found []foreign) {
		for _, f := range found {
			if o.Has(f.field) {
				c.add("state %q speaks %s, which has no %s%s: use %s%s", name, language, where, f.field, f.instead, remedy)
			}
		}
	}
	report("", state, fields)
	if reader, ok := state.Get("ItemReader").(*Object); ok {
		if config, ok := reader.Get("ReaderConfig").(*Object); ok {
			report("ItemReader.ReaderConfig.", config, parts["ReaderConfig"])
		}
	}
	for _, part := range []string{"Catch", "Choices", "ItemReader", "ItemBatcher", "ResultWriter"} {
		if o, ok := state.Get(part).(*Object); ok {
			report(part+".", o, parts[part])
		}
		for i, o := range objects(state.Get(part)) {
			report(fmt.Sprintf("%s[%d].", part, i), o, parts[part])
		}
	}
}

// conditions checks that the rules of a Choice in JSONata are expressions.
func (c *checker) conditions(name, kindOf string, state *Object) {
	if kindOf != "Choice" {
		return
	}
	for i, rule := range objects(state.Get("Choices")) {
		if !rule.Has("Condition") {
			c.add("state %q speaks JSONata and has no Condition in Choices[%d]: JSONata has no Variable, And, Or and Not; use an "+
				"expression {%% … %%}", name, i)
		}
	}
}
