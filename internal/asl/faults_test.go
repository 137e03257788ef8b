package asl

import (
	"strings"
	"testing"
)

func TestFaults(t *testing.T) {
	one := func(state string) string { return `{"StartAt":"A","States":{"A":` + state + `}}` }
	two := func(state string) string {
		return `{"StartAt":"A","States":{"A":` + state + `,"B":{"Type":"Succeed"}}}`
	}
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"nothing", ``, []string{"is empty: pass a workflow in the Amazon States Language, as JSON or YAML"}},
		{"no JSON", "{\n  \"StartAt\": \"A\",\n  \"States\": {,}\n}", []string{"is not valid JSON at line 3, column 14: invalid character ','"}},
		{"half of it", `{"StartAt":"A"`, []string{"is not valid JSON at line 1, column 14: unexpected end of JSON input"}},
		{"a comma too many", `{"StartAt":"A",}`, []string{"is not valid JSON at line 1, column 16: invalid character '}'"}},
		{"two documents", `{}{}`, []string{"is not valid JSON at line 1, column 3: invalid character '{' after top-level value"}},
		{"too deep", strings.Repeat(`[`, 600) + strings.Repeat(`]`, 600), []string{"is nested more than 500 deep"}},
		{"a list", `[]`, []string{"must be an object with StartAt and States, got an array"}},
		{"no states", `{}`, []string{"has no States: give it at least one state"}},
		{"an empty one", `{"StartAt":"A","States":{}}`, []string{"has no States: give it at least one state"}},
		{"no start", `{"States":{"A":{"Type":"Succeed"}}}`, []string{"has no StartAt: name its first state"}},
		{"a wrong start", `{"StartAt":"a","States":{"A":{"Type":"Succeed"}}}`, []string{`has "a" as StartAt, which is not a state of it: its states are "A"`}},
		{"a state that is not an object", one(`[]`), []string{`state "A" must be an object with a Type, got an array`}},
		{"no type", one(`{"End":true}`), []string{`state "A" has null as Type: use one of "Choice", "Fail", "Map"`}},
		{"a wrong type", one(`{"Type":"pass","End":true}`), []string{`state "A" has "pass" as Type: use one of "Choice"`}},
		{"an unknown Next", one(`{"Type":"Pass","Next":"C"}`), []string{`state "A" has "C" as Next, which is not a state beside it: use one of "A"`}},
		{"an unknown Default", two(`{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"B"}],"Default":"C"}`),
			[]string{`state "A" has "C" as Default, which is not a state beside it: use one of "A", "B"`}},
		{"an unknown rule's Next", two(`{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"B"},{"Variable":"$.b","IsNull":true}]}`),
			[]string{`state "A" has null as Choices[1].Next, which is not a state beside it`}},
		{"an unknown Catch", one(`{"Type":"Task","Resource":"x","Catch":[{"ErrorEquals":["States.ALL"],"Next":"C"}],"End":true}`),
			[]string{`state "A" has "C" as Catch[0].Next, which is not a state beside it`}},
		{"a Next into a nested workflow", `{"StartAt":"A","States":{"A":{"Type":"Parallel","Branches":[{"StartAt":"B","States":{"B":{"Type":"Pass","Next":"A"}}}],"End":true}}}`,
			[]string{`state "B" has "A" as Next, which is not a state beside it: use one of "B"`}},
		{"no way on", one(`{"Type":"Pass"}`), []string{`state "A" has neither Next nor "End": true: add one`}},
		{"an End that is no end", one(`{"Type":"Pass","End":false}`), []string{`state "A" has neither Next nor "End": true: add one`}},
		{"two ways on", two(`{"Type":"Pass","Next":"B","End":true}`), []string{`state "A" has both Next and End: remove one`}},
		{"a Succeed with an End", one(`{"Type":"Succeed","End":true}`), []string{`state "A" is a Succeed and cannot have Next or End: remove it`}},
		{"a Choice with a Next", two(`{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"B"}],"Next":"B"}`),
			[]string{`state "A" is a Choice and cannot have Next or End: remove it`}},
		{"a Choice without rules", two(`{"Type":"Choice","Choices":[],"Default":"B"}`), []string{`state "A" must have at least one rule in Choices, got []`}},
		{"an unreachable state", two(`{"Type":"Pass","End":true}`), []string{`state "B" is unreachable: lead to it from another state, or remove it`}},
		{"an unreachable nested state", one(`{"Type":"Map","ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Succeed"},"J":{"Type":"Succeed"}}},"End":true}`),
			[]string{`state "J" is unreachable`}},
		{"the same name twice", `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true},"A":{"Type":"Succeed"}}}`,
			[]string{`has the name "A" twice in States: rename or remove one`}},
		{"the same name in a branch", one(`{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}],"End":true}`),
			[]string{`has two states named "A": names are unique across the whole workflow, nested states included; rename one`}},
		{"a reserved name", `{"StartAt":"Record","States":{"Record":{"Type":"Succeed"}}}`, []string{"has a state named Record, which is reserved: rename it"}},
		{"a reserved nested name", one(`{"Type":"Map","Iterator":{"StartAt":"Publish","States":{"Publish":{"Type":"Succeed"}}},"End":true}`),
			[]string{"has a state named Publish, which is reserved: rename it"}},
		{"a long name", strings.ReplaceAll(one(`{"Type":"Succeed"}`), `"A"`, `"`+strings.Repeat("ä", 81)+`"`),
			[]string{"has a state whose name has 81 characters, names have 1 to 80"}},
		{"a Task without a resource", one(`{"Type":"Task","End":true}`), []string{`state "A" has no Resource, which a Task needs`}},
		{"a Parallel without branches", one(`{"Type":"Parallel","End":true}`), []string{`state "A" has no Branches, which a Parallel needs`}},
		{"a branch that is no workflow", one(`{"Type":"Parallel","Branches":[1],"End":true}`),
			[]string{`Branches[0] of state "A" must be an object with StartAt and States, got a number`}},
		{"a nested workflow without states", one(`{"Type":"Map","ItemProcessor":{"StartAt":"I"},"End":true}`),
			[]string{`ItemProcessor of state "A" has no States: give it at least one state`}},
		{"a Map without a workflow", one(`{"Type":"Map","End":true}`),
			[]string{`state "A" is a Map and must have exactly one of ItemProcessor, Iterator, got none`}},
		{"a Wait for two things", one(`{"Type":"Wait","Seconds":1,"Timestamp":"2030-01-02T03:04:05Z","End":true}`),
			[]string{`state "A" is a Wait and must have exactly one of Seconds, SecondsPath, Timestamp, TimestampPath, got "Seconds", "Timestamp"`}},
		{"a Catch of a Pass", one(`{"Type":"Pass","Catch":[],"End":true}`),
			[]string{`state "A" has a Catch, which only Task, Parallel and Map can have: remove it`}},
		{"a timeout of a Map", one(`{"Type":"Map","TimeoutSeconds":5,"Iterator":{"StartAt":"I","States":{"I":{"Type":"Succeed"}}},"End":true}`),
			[]string{`state "A" has TimeoutSeconds, which only a Task can have: remove it`}},
		{"a heartbeat of a Parallel", one(`{"Type":"Parallel","HeartbeatSecondsPath":"$.h","Branches":[{"StartAt":"I","States":{"I":{"Type":"Succeed"}}}],"End":true}`),
			[]string{`state "A" has HeartbeatSecondsPath, which only a Task can have: remove it`}},
		{"no end", `{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"A"}],"Default":"A"}}}`,
			[]string{`has no state that ends: give one "End": true, or add a Succeed or a Fail`}},
		{"EXPRESS", `{"Type":"EXPRESS","StartAt":"A","States":{"A":{"Type":"Succeed"}}}`,
			[]string{"has a top-level Type, which is not a field of the language: take it out; an ingestion is always STANDARD"}},
		{"a time limit of nothing", `{"TimeoutSeconds":0,"StartAt":"A","States":{"A":{"Type":"Succeed"}}}`,
			[]string{"has 0 as TimeoutSeconds: it must be a whole number from 1 to 99999999"}},
		{"an unknown language", `{"QueryLanguage":"jsonata","StartAt":"A","States":{"A":{"Type":"Succeed"}}}`,
			[]string{`has a top-level QueryLanguage "jsonata": use JSONPath or JSONata`}},
		{"a JSONPath state under JSONata", `{"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass","QueryLanguage":"JSONPath","End":true}}}`,
			[]string{`state "A" speaks JSONPath in a JSONata definition, which Step Functions refuses: take the top-level QueryLanguage out`}},
		{"a JSONPath branch under JSONata", `{"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Parallel","End":true,
			"Branches":[{"QueryLanguage":"JSONPath","StartAt":"B","States":{"B":{"Type":"Succeed"}}}]}}}`,
			[]string{`Branches[0] of state "A" speaks JSONPath in a JSONata definition`}},
		{"paths in JSONata", one(`{"Type":"Wait","QueryLanguage":"JSONata","SecondsPath":"$.s","OutputPath":"$","End":true}`), []string{
			`state "A" speaks JSONata, which has no OutputPath: use Output`,
			`state "A" speaks JSONata, which has no SecondsPath: use an expression {% … %} in Seconds`}},
		{"a comparison in JSONata", `{"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Choice","Choices":[
			{"Variable":"$.a","IsNull":true,"Next":"B"}],"Default":"B"},"B":{"Type":"Succeed"}}}`,
			[]string{`state "A" speaks JSONata and has no Condition in Choices[0]: JSONata has no Variable, And, Or and Not`}},
		{"expressions in JSONPath", one(`{"Type":"Task","Resource":"x","Arguments":{},"Catch":[{"ErrorEquals":["States.ALL"],"Output":{},"Next":"A"}],"End":true}`),
			[]string{
				`state "A" speaks JSONPath, which has no Arguments: use Parameters, or set "QueryLanguage": "JSONata" in the state`,
				`state "A" speaks JSONPath, which has no Catch[0].Output: use ResultPath, or set`}},
		{"parts of a Map in the other language", one(`{"Type":"Map","QueryLanguage":"JSONata","ItemReader":{"Resource":"x","Parameters":{}},
			"ItemBatcher":{"MaxItemsPerBatchPath":"$.n"},"Iterator":{"StartAt":"I","States":{"I":{"Type":"Succeed"}}},"End":true}`), []string{
			`state "A" speaks JSONata, which has no ItemReader.Parameters: use Arguments`,
			`state "A" speaks JSONata, which has no ItemBatcher.MaxItemsPerBatchPath: use an expression {% … %} in MaxItemsPerBatch`}},
		{"an unknown placeholder", one(`{"Type":"Task","Resource":"${fn}","End":true}`),
			[]string{`has no substitution for ${fn} in States.A.Resource: add "fn" to Substitutions`}},
		{"several faults", `{"StartAt":"X","States":{"A":{"Type":"Pass","Next":"Y"},"Record":{"Type":"Task"}}}`, []string{
			`state "A" has "Y" as Next`, "has a state named Record", `state "Record" has neither Next nor "End": true`,
			`state "Record" has no Resource`, `has "X" as StartAt`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse(tt.in, nil)
			if err == nil {
				t.Fatal("no fault was found")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tt.want) {
				t.Errorf("got %d faults, want %d:\n%v", len(lines), len(tt.want), err)
			}
			for _, want := range tt.want {
				if !strings.Contains("\n"+err.Error(), "\n"+want) {
					t.Errorf("\n got %v\nwant %s", err, want)
				}
			}
		})
	}
}

func TestSubstitutionsThatAreNotUsedAreListed(t *testing.T) {
	d, err := parse(`{"StartAt":"A","States":{"A":{"Type":"Succeed","Comment":"${ a }"}}}`, map[string]string{"b": "x", "a": "y"})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(d.Unused, " "); got != "a b" {
		t.Errorf("got %q, want a b", got)
	}
}

func TestASubstitutionThatMakesTwoNamesOne(t *testing.T) {
	_, err := parse(`{"StartAt":"A","States":{"A":{"Type":"Pass","End":true},"${b}":{"Type":"Succeed"}}}`, map[string]string{"b": "A"})
	if err == nil || !strings.Contains(err.Error(), `has the name "A" twice in States, with its substitution`) {
		t.Errorf("got %v", err)
	}
}
