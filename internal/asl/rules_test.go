package asl

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// everywhere is a state at the top, in a Map and in a Parallel.
func everywhere(state string) []string {
	return []string{
		`{"StartAt":"A","States":{"A":` + state + `,"B":{"Type":"Succeed"}}}`,
		`{"StartAt":"M","States":{"M":{"Type":"Map","ItemProcessor":{"StartAt":"A","States":{"A":` + state + `,"B":{"Type":"Succeed"}}},"End":true}}}`,
		`{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":` + state + `,"B":{"Type":"Succeed"}}}],"End":true}}}`,
	}
}

func TestWhatStepFunctionsRefusesIsRefusedBefore(t *testing.T) {
	task := func(fields string) string { return `{"Type":"Task","Resource":"x",` + fields + `,"Next":"B"}` }
	pass := func(fields string) string { return `{"Type":"Pass",` + fields + `,"Next":"B"}` }
	wait := func(fields string) string { return `{"Type":"Wait",` + fields + `,"Next":"B"}` }
	fail := func(fields string) string {
		return `{"Type":"Task","Resource":"x","Next":"B","Catch":[{"ErrorEquals":["E"],"Next":"F"}]},"F":{"Type":"Fail",` + fields + `}`
	}
	choice := func(rule string) string {
		return `{"Type":"Choice","Choices":[{` + rule + `,"Next":"B"}],"Default":"B"}`
	}
	const jsonata = `"QueryLanguage":"JSONata",`
	items := func(fields string) string {
		return `{"Type":"Map",` + fields + `,"ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Succeed"}}},"Next":"B"}`
	}
	for _, tt := range []struct{ name, state, want string }{
		{"a limit in the context", items(`"MaxConcurrencyPath":"$$.Execution.Input.n"`), `has "$$.Execution.Input.n" as MaxConcurrencyPath: it must be a path of names`},
		{"limits by a filter", items(`"ToleratedFailureCountPath":"$.l[*]"`), `has "$.l[*]" as ToleratedFailureCountPath`},
		{"items of a batch in the context", items(`"ItemBatcher":{"MaxItemsPerBatchPath":"$$.a"}`), `has "$$.a" as ItemBatcher.MaxItemsPerBatchPath`},
		{"less items than none", items(`"ItemReader":{"Resource":"x","ReaderConfig":{"MaxItems":-1}}`), `has -1 as ItemReader.ReaderConfig.MaxItems`},
		{"two limits of items", items(`"ItemReader":{"Resource":"x","ReaderConfig":{"MaxItems":1,"MaxItemsPath":"$.n"}}`),
			`has both ItemReader.ReaderConfig.MaxItems and ItemReader.ReaderConfig.MaxItemsPath: remove one`},
		{"a limit of items at a path in JSONata", items(jsonata + `"ItemReader":{"Resource":"x","ReaderConfig":{"MaxItemsPath":"$.n"}}`),
			`speaks JSONata, which has no ItemReader.ReaderConfig.MaxItemsPath: use an expression`},
		{"no reader", items(`"ItemReader":{"Resource":null}`), `has null as ItemReader.Resource: it must be a string`},
		{"no branches", `{"Type":"Parallel","Branches":[],"Next":"B"}`, `has [] as Branches: it must be a list of one workflow or more`},
		{"a wait of less than nothing", wait(`"Seconds":-1`), `has -1 as Seconds: it must be a whole number from 0 to 99999999`},
		{"a wait of half a second", wait(`"Seconds":0.5`), `has 0.5 as Seconds`},
		{"a wait of too long", wait(`"Seconds":100000000`), `has 100000000 as Seconds`},
		{"a number in quotes", wait(`"Seconds":"5"`), `has "5" as Seconds`},
		{"the same in JSONata", wait(jsonata + `"Seconds":-1`), `has -1 as Seconds`},
		{"a date", wait(`"Timestamp":"2030-01-02"`), `has "2030-01-02" as Timestamp: it must be a timestamp such as 2030-01-02T03:04:05Z`},
		{"a day that is not", wait(`"Timestamp":"2030-02-30T00:00:00Z"`), `has "2030-02-30T00:00:00Z" as Timestamp`},
		{"a time without a zone", wait(jsonata + `"Timestamp":"2030-01-02T03:04:05"`), `has "2030-01-02T03:04:05" as Timestamp`},
		{"an InputPath", pass(`"InputPath":"order"`), `has "order" as InputPath: it must be a path such as $.order or $$.Execution.Id, or null`},
		{"an OutputPath", pass(`"OutputPath":"$order id"`), `has "$order id" as OutputPath`},
		{"a ResultPath into the context", pass(`"ResultPath":"$$.a"`), `has "$$.a" as ResultPath: it must be null, or a path of names`},
		{"a ResultPath with a filter", pass(`"ResultPath":"$.a[?(@.b)]"`), `has "$.a[?(@.b)]" as ResultPath`},
		{"a SecondsPath", wait(`"SecondsPath":5`), `has 5 as SecondsPath: it must be a path`},
		{"a TimestampPath", wait(`"TimestampPath":"at"`), `has "at" as TimestampPath`},
		{"an ErrorPath", fail(`"ErrorPath":"error"`), `has "error" as ErrorPath: it must be a path such as $.error or an intrinsic`},
		{"credentials without a role", task(`"Credentials":{"Role":"x"}`), `has {"Role":"x"} as Credentials: it must be an object with RoleArn`},
		{"a foreign escape in an ErrorPath", fail(`"ErrorPath":"States.Format('a\\n{}', $.e)"`), `has the escape \n in ErrorPath`},
		{"a foreign escape in a CausePath", fail(`"CausePath":"States.Format('\\u0041')"`), `has the escape \u in CausePath`},
		{"no resource", `{"Type":"Task","Resource":null,"Next":"B"}`, `has null as Resource: it must be a string in quotes`},
		{"an empty resource", `{"Type":"Task","Resource":"","Next":"B"}`, `has "" as Resource`},
		{"a number as a resource", `{"Type":"Task","Resource":5,"Next":"B"}`, `has 5 as Resource`},
		{"a token without quotes as a resource", `{"Type":"Task","Resource":${Token[T.1]},"Next":"B"}`, `has ${Token[T.1]} as Resource`},
		{"a foreign escape", pass(`"Parameters":{"a.$":"States.Format('a\\nb')"}`), `has the escape \n in Parameters.a.$`},
		{"a foreign escape far inside", pass(`"Parameters":{"l":[{"a.$":"States.Format('\\t{}', $.b)"}]}`), `has the escape \t in Parameters.l[0].a.$`},
		{"a name twice", pass(`"Parameters":{"a":1,"a.$":"$.a"}`), `has both "a" and "a.$" in Parameters: remove one`},
		{"a constant as a path", task(`"Parameters":{"a.$":"b"}`), `has "b" as Parameters.a.$: it must be a path such as $.order or an intrinsic`},
		{"two errors", fail(`"Error":"E","ErrorPath":"$.e"`), `has both Error and ErrorPath: remove one`},
		{"two causes", fail(`"Cause":"E","CausePath":"$.e"`), `has both Cause and CausePath: remove one`},
		{"two timeouts", task(`"TimeoutSeconds":1,"TimeoutSecondsPath":"$.t"`), `has both TimeoutSeconds and TimeoutSecondsPath`},
		{"two heartbeats", task(`"HeartbeatSeconds":1,"HeartbeatSecondsPath":"$.t"`), `has both HeartbeatSeconds and HeartbeatSecondsPath`},
		{"a slow heartbeat", task(`"HeartbeatSeconds":9,"TimeoutSeconds":9`), `has 9 as HeartbeatSeconds: it must be less than TimeoutSeconds, 9`},
		{"a timeout of nothing", task(`"TimeoutSeconds":0`), `has 0 as TimeoutSeconds: it must be a whole number from 1`},
		{"a Catch without errors", task(`"Catch":[{"Next":"B"}]`), `has no Catch[0].ErrorEquals: name the errors`},
		{"a Catch of nothing", task(jsonata + `"Catch":[{"ErrorEquals":[],"Next":"B"}]`), `has [] as Catch[0].ErrorEquals`},
		{"a Catch that is not a list", task(`"Catch":{}`), `has {} as Catch: it must be a list`},
		{"a Catch of all before another", task(`"Catch":[{"ErrorEquals":["States.ALL"],"Next":"B"},{"ErrorEquals":["E"],"Next":"B"}]`),
			`has States.ALL in Catch[0].ErrorEquals: it must stand alone, and in the last entry`},
		{"a Retry without errors", task(`"Retry":[{"MaxAttempts":1}]`), `has no Retry[0].ErrorEquals`},
		{"a Retry at once", task(`"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":0}]`), `has 0 as Retry[0].IntervalSeconds`},
		{"a Retry that speeds up", task(`"Retry":[{"ErrorEquals":["E"],"BackoffRate":0.5}]`), `has 0.5 as Retry[0].BackoffRate`},
		{"a Retry of a Pass", pass(`"Retry":[]`), `has a Retry, which only Task, Parallel and Map can have`},
		{"a Choice without a path", choice(`"Variable":"a","IsNull":true`), `has "a" as Choices[0].Variable: it must be a path`},
		{"a Choice within", choice(`"And":[{"Not":{"Variable":"a","IsNull":true}}]`), `has "a" as Choices[0].And[0].Not.Variable`},
		{"a Choice of nothing", choice(`"Or":[]`), `has [] as Choices[0].Or`},
		{"a Choice of one", choice(`"And":{"Variable":"$.a","IsNull":true}`), `has {"Variable":"$.a","IsNull":true} as Choices[0].And`},
		{"a Choice of what is not a rule", choice(`"Not":[{"Variable":"$.a","IsNull":true}]`), `has [{"Variable":"$.a","IsNull":true}] as Choices[0].Not: it must be a rule`},
		{"a Choice of no rule", choice(`"And":[{"Or":[5]}]`), `has no condition in Choices[0].And[0].Or[0]`},
		{"a Choice without a comparison", choice(`"Variable":"$.a"`), `has no comparison in Choices[0]: give it one`},
		{"a Choice without a comparison within", choice(`"And":[{"Not":{"Variable":"$.a"}}]`), `has no comparison in Choices[0].And[0].Not`},
		{"a Choice by something unknown", choice(`"Variable":"$.a","StringEqual":"b"`), `has "StringEqual" in Choices[0], which is not a comparison: use one such as`},
		{"a Choice by something unknown within", choice(`"Or":[{"Variable":"$.a","StringMatchesPath":"$.b"}]`), `has "StringMatchesPath" in Choices[0].Or[0], which is not`},
		{"a Choice by two", choice(`"Variable":"$.a","NumericGreaterThan":1,"NumericLessThan":3`), `has "NumericGreaterThan", "NumericLessThan" in Choices[0]: a rule takes one`},
		{"a Choice of nothing in particular", choice(`"StringEquals":"a"`), `has no condition in Choices[0]`},
		{"a Choice without a condition", choice(`"Comment":"c"`), `has no condition in Choices[0]`},
		{"a Choice by a wrong type", choice(`"Variable":"$.a","NumericEquals":"1"`), `has "1" as Choices[0].NumericEquals: it must be a number`},
		{"half an expression", pass(jsonata + `"Output":{"a":["{% $states.input"]}`), `has "{% $states.input" as Output.a[0]: an expression begins with {% and ends with %}`},
		{"an open parenthesis", pass(jsonata + `"Output":{"a":"{% $sum($states.input.a %}"}`), `has "{% $sum($states.input.a %}" as Output.a: the expression has a ( that is not closed: add )`},
		{"a parenthesis too many", pass(jsonata + `"Output":"{% a[b)] %}"`), `has "{% a[b)] %}" as Output: the expression has a ) that closes nothing`},
		{"an open string", pass(jsonata + `"Output":"{% 'it''s %}"`), `has "{% 'it''s %}" as Output: the expression has a ' that is not closed`},
		{"an open comment", pass(jsonata + `"Output":"{% 1 /* one %}"`), `has "{% 1 /* one %}" as Output: the expression has a comment that is not closed`},
		{"an empty expression", pass(jsonata + `"Output":"{% %}"`), `has "{% %}" as Output: the expression has nothing between {% and %}`},
		{"an expression that goes on", pass(jsonata + `"Output":"{% $states.input. %}"`), `has "{% $states.input. %}" as Output: the expression has nothing behind its last .`},
		{"an unreadable condition", `{"Type":"Choice",` + jsonata + `"Choices":[{"Condition":"{% (a = 1 %}","Next":"B"}]}`, `has "{% (a = 1 %}" as Choices[0].Condition: the expression has a ( that`},
		{"our variable", pass(`"Assign":{"ingestion.$":"$.a"}`), `assigns the variable "ingestion" in Assign, which is reserved: rename it`},
		{"our variable in JSONata", pass(jsonata + `"Assign":{"ingestion":1}`), `assigns the variable "ingestion" in Assign`},
		{"our variable in a Catch", task(`"Catch":[{"ErrorEquals":["E"],"Next":"B","Assign":{"ingestion":1}}]`), `assigns the variable "ingestion" in Catch[0].Assign`},
		{"our variable in a Choice", choice(`"Variable":"$.a","IsNull":true,"Assign":{"ingestion":1}`), `assigns the variable "ingestion" in Choices[0].Assign`},
		{"the language's own variable", pass(`"Assign":{"states":1}`), `assigns the variable "states" in Assign, which is reserved`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, text := range everywhere(tt.state) {
				if _, err := parse(text, nil); err == nil || !strings.Contains(err.Error(), `" `+tt.want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%s:\n got %v\nwant %s", text, err, tt.want)
				}
			}
		})
	}
}

func TestWhatStepFunctionsAcceptsIsAccepted(t *testing.T) {
	for _, state := range []string{
		`{"Type":"Wait","Seconds":0,"Next":"B"}`,
		`{"Type":"Wait","Timestamp":"2030-01-02T03:04:05.123+01:00","Next":"B"}`,
		`{"Type":"Wait","QueryLanguage":"JSONata","Seconds":"{% $states.input.s %}","Next":"B"}`,
		`{"Type":"Wait","Timestamp":"${Token[T.1]}","Next":"B"}`,
		`{"Type":"Pass","QueryLanguage":"JSONata","Output":["{% $match($.a, /[^\\]\"'\/]+\\/(b)/i)[0].%.c / 2 ~> |*|{'d': **.e}, ['f']| %}",` +
			`"{% (/* one ( */ $f := function($x)<n:n>{ $x > 1 ? $x * 2 %3 : 'it\\'s )' }; $f(a.` + "`b (`" + `) and b / c / d in [1..2]) %}",` +
			`"{% ${Token[T.1]} & \"${Token[T.2]}\" %}","{% $states.input.* %}","{% a.% %}","{% a or b /* { */ %}","{% and.or / in %}"],"Next":"B"}`,
		`{"Type":"Pass","InputPath":"$$.Execution.Input['a b']","ResultPath":"$.a['b.c'][0].d-e","OutputPath":null,"Next":"B"}`,
		`{"Type":"Pass","InputPath":"$ingestion.replay","OutputPath":"$..a[?(@.b > 1)]","Next":"B"}`,
		`{"Type":"Pass","Parameters":{"a.$":"States.Format('\\\\ \\' \\{\\} {}', $.b)","b":"${a: b}","c.$":"$variable"},"Next":"B"}`,
		`{"Type":"Pass","Result":{"a":1,"a.$":"anything"},"Next":"B"}`,
		`{"Type":"Pass","Assign":{"ingested":1},"Next":"B"}`,
		`{"Type":"Task","Resource":"x","Credentials":{"RoleArn.$":"$.role"},"TimeoutSeconds":9,"HeartbeatSecondsPath":"$.h","Next":"B"}`,
		`{"Type":"Task","Resource":"x","Retry":[{"ErrorEquals":["E"]},{"ErrorEquals":["States.ALL"],"MaxAttempts":0,"BackoffRate":1.5}],"Next":"B"}`,
		`{"Type":"Map","MaxConcurrencyPath":"$variable.n","ToleratedFailurePercentagePath":"$.a['b c'][0].d","ItemReader":{"Resource":"x","ReaderConfig":` +
			`{"MaxItemsPath":"$.n"}},"ItemBatcher":{"MaxItemsPerBatchPath":"$n"},"ItemsPath":"$$.Execution.Input.l","ResultWriter":{"WriterConfig":{}},` +
			`"ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Succeed"}}},"Next":"B"}`,
		`{"Type":"Choice","Choices":[{"And":[{"Variable":"$.a","StringEqualsPath":"$.b"},{"Variable":"$v.a","IsPresent":true}],"Next":"B"}],"Default":"B"}`,
	} {
		for _, text := range everywhere(state) {
			if _, err := parse(text, nil); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
}

// TestTheWorkflowsOfTheTestsAreAccepted parses the workflows that test/workflows deploys and runs.
func TestTheWorkflowsOfTheTestsAreAccepted(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "test", "workflows", "testdata", "*.asl.json"))
	if err != nil || len(files) < 20 {
		t.Fatalf("got %d files, %v", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]string{}
		for _, found := range placeholder.FindAllString(string(b), -1) {
			values[found[2:len(found)-1]] = "${Token[T.1]}"
		}
		if _, err := parse(string(b), values); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestPlaceholdersOfEveryForm(t *testing.T) {
	values := map[string]string{"my-bucket": "b", "Table.Arn": "arn", "AWS::Partition": "aws", "n": "12345678901234567890", "t": "${Token[T.1]}", "any thing": "x"}
	got, _ := spliced(t, `{"StartAt":"A","States":{"A":{"Type":"Pass","Result":{"a":"${my-bucket}/${Table.Arn}:${AWS::Partition} ${any thing}",
		"n": ${n}, "l": [${t},${n}], "s":"\"${n}\\"},"End":true}}}`, values)
	want := `"Result":{"a":"b/arn:aws x","n":12345678901234567890,"l":[${Token[T.1]},12345678901234567890],"s":"\"12345678901234567890\\"}`
	if !strings.Contains(got, want) {
		t.Errorf("\n got %s\nwant %s in it", got, want)
	}
	got, _ = spliced(t, `{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":${Token[T.1]},"End":true}}}`, nil)
	if want := `"Seconds":${Token[T.1]}`; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s in it", got, want)
	}
	for _, left := range []string{"my-bucket", "Table.Arn", "AWS::Partition", "a.b-c"} {
		_, err := parse(`{"StartAt":"A","States":{"A":{"Type":"Pass","Result":"x${`+left+`}","End":true}}}`, nil)
		if want := fmt.Sprintf("has no substitution for ${%s} in States.A.Result: add %q to Substitutions", left, left); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	_, err := parse(`{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":${n},"End":true}}}`, map[string]string{"n": "five"})
	if err == nil || !strings.Contains(err.Error(), `has ${n} without quotes in States.A.Seconds, and its substitution "five" is not JSON`) {
		t.Errorf("got %v", err)
	}
	_, err = parse(`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":${fn},"End":true}}}`, map[string]string{"fn": "arn:${Token[T.1]}"})
	if err == nil || err.Error() != `has ${fn} without quotes in States.A.Resource, and its substitution "arn:${Token[T.1]}" is not JSON: put quotes around ${fn}` {
		t.Errorf("got %v", err)
	}
	_, err = parse(`{"StartAt":"A","States":{"A":{"Type":"Pass","Result":${a: b},"End":true}}}`, nil)
	if err == nil || err.Error() != `has ${a: b} without quotes in States.A.Result, which is not JSON: put quotes around it` {
		t.Errorf("got %v", err)
	}
	_, err = parse(`{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":${n},"End":true}}}`, map[string]string{"n": "-5"})
	if err == nil || !strings.Contains(err.Error(), `has -5 as Seconds`) {
		t.Errorf("got %v", err)
	}
}

func TestTextThatIsNotUTF8IsRefused(t *testing.T) {
	_, err := parse("{\"StartAt\":\"\xff\"}", nil)
	if err == nil || err.Error() != "is not UTF-8, from byte 12: save it as UTF-8" {
		t.Errorf("got %v", err)
	}
	if _, err := parse(`{"StartAt":"A","States":{"A":{"Type":"Succeed","Comment":"`+"\ufffd"+`"}}}`, nil); err != nil {
		t.Errorf("a replacement character that was meant: %v", err)
	}
}
