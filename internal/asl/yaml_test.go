package asl

import (
	"strings"
	"testing"
)

func TestYAML(t *testing.T) {
	const text = "\ufeff# a comment\nStartAt: A\nStates:\n  A: &a\n    Type: Pass\n    Result:\n      n: 12345678901234567890.10\n      hex: 0x1F\n" +
		"      yes: true\n      none: ~\n      text: \"5\"\n      at: 2030-01-02T03:04:05Z\n      fn: ${fn}\n      many:\n        - |\n          two\n          lines\n    End: true\n"
	d, err := parse(text, map[string]string{"fn": "arn"})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"StartAt":"A","States":{"A":{"Type":"Pass","Result":{"n":12345678901234567890.10,"hex":31,"yes":true,"none":null,"text":"5",` +
		`"at":"2030-01-02T03:04:05Z","fn":"arn","many":["two\nlines\n"]},"End":true}}}`
	if got := d.Encode(nil, nil); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	for in, want := range map[string]string{
		"a: [":                              "is neither JSON nor valid YAML",
		"StartAt: !Sub x":                   "has the tag !Sub at line 1 in StartAt, which only CloudFormation's own templates have",
		"StartAt: !Join [a, b]":             "has the tag !Join at line 1 in StartAt",
		"StartAt: .inf":                     "has the number .inf at line 1, which JSON does not have",
		"just text":                         "must be an object with StartAt and States, got a string",
		"# nothing":                         "is empty",
		"? [a]\n: b":                        "that is not a string",
		"a: &x [1]\nb: &y [*x,*x]\nc: *z\n": "is neither JSON nor valid YAML",
		"StartAt: 012345678901":             "has the number 012345678901 at line 1 in StartAt, whose leading zero YAML drops: put quotes around it",
		"a: [012345670123]":                 "has the number 012345670123 at line 1 in a.0, whose leading zero",
		"a: b\n---\nc: d":                   "has a second YAML document at line 3: put it into a file of its own, or remove the --- before it",
		"a: b\n---\nc: [":                   "is neither JSON nor valid YAML",
		"a:\n  <<: 5":                       "has << at line 2 in a with a number: merge mappings only",
		"a: &a\n  <<: *a":                   "is nested more than 500 deep",
	} {
		if _, err := parse(in, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", in, err, want)
		}
	}
}

func TestYAMLMergesAndEndsDocuments(t *testing.T) {
	const text = "---\nStartAt: A\nStates:\n  A: &a\n    Type: Pass\n    Result: &r {x: 1, y: 2}\n    Next: B\n" +
		"  B:\n    <<: *a\n    Result:\n      z: 3\n      <<: [{y: 4}, *r]\n    Next: C\n  C: {<<: {Type: Succeed}, Comment: c}\n---\n...\n"
	d, err := parse(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"StartAt":"A","States":{"A":{"Type":"Pass","Result":{"x":1,"y":2},"Next":"B"},` +
		`"B":{"Result":{"z":3,"y":4,"x":1},"Next":"C","Type":"Pass"},"C":{"Comment":"c","Type":"Succeed"}}}`
	if got := d.Encode(nil, nil); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// In YAML, a placeholder without quotes is a number or a truth where the language has one, and a string elsewhere.
func TestPlaceholdersInYAML(t *testing.T) {
	values := map[string]string{"n": "5", "half": "0.5", "yes": "true", "later": "${Token[T.1]}", "a, b": "c"}
	for _, tt := range []struct{ in, want string }{
		{"{Type: Wait, Seconds: ${n}, End: ${yes}}",
			`{"Type":"Wait","Seconds":5,"End":true}`},
		{"{Type: Wait, Seconds: ${later}, End: true}",
			`{"Type":"Wait","Seconds":${Token[T.1]},"End":true}`},
		{"{Type: Wait, Seconds: ${Token[T.2]}, End: true}",
			`{"Type":"Wait","Seconds":${Token[T.2]},"End":true}`},
		{"{Type: Pass, Result: [${n}, x${n}, '${n}'], End: true}",
			`{"Type":"Pass","Result":["5","x5","5"],"End":true}`},
		{"{Type: Pass, Result: {Seconds: ${n}, ${n}: ${a, b}}, End: true}",
			`{"Type":"Pass","Result":{"Seconds":"5","5":"c"},"End":true}`},
		{"{Type: Pass, Result: ${later}, End: true}",
			`{"Type":"Pass","Result":"${Token[T.1]}","End":true}`},
		{"{Type: Pass, Result: ${a: b}, End: true}",
			`{"Type":"Pass","Result":"${a: b}","End":true}`},
		{"{Type: Pass, Result: \"\ue0000\ue001 \ue0009\ue001\", End: true}",
			"{\"Type\":\"Pass\",\"Result\":\"\ue0000\ue001 \ue0009\ue001\",\"End\":true}"},
		{"{Type: Task, Resource: ${n}, TimeoutSeconds: ${n}, HeartbeatSeconds: 1, Retry: [{ErrorEquals: [E], IntervalSeconds: ${n}, " +
			"MaxAttempts: ${n}, BackoffRate: ${n}, MaxDelaySeconds: ${n}}], End: true}",
			`{"Type":"Task","Resource":"5","TimeoutSeconds":5,` +
				`"HeartbeatSeconds":1,"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":5,"MaxAttempts":5,"BackoffRate":5,"MaxDelaySeconds":5}],"End":true}`},
		{"{Type: Map, MaxConcurrency: ${n}, ToleratedFailurePercentage: ${half}, ToleratedFailureCount: ${n}, ItemReader: {ReaderConfig: " +
			"{MaxItems: ${n}}, Parameters: {MaxItems: ${n}}}, ItemBatcher: {MaxItemsPerBatch: ${n}, MaxInputBytesPerBatch: ${n}}, " +
			"ItemProcessor: {StartAt: Result, States: {Result: {Type: Wait, Seconds: ${n}, End: true}}}, End: true}",
			`{"Type":"Map",` +
				`"MaxConcurrency":5,"ToleratedFailurePercentage":0.5,"ToleratedFailureCount":5,"ItemReader":{"ReaderConfig":{"MaxItems":5},` +
				`"Parameters":{"MaxItems":"5"}},"ItemBatcher":{"MaxItemsPerBatch":5,"MaxInputBytesPerBatch":5},"ItemProcessor":{` +
				`"StartAt":"Result","States":{"Result":{"Type":"Wait","Seconds":5,"End":true}}},"End":true}`},
		{"{Type: Choice, Choices: [{Variable: $.a, NumericEquals: ${n}, Next: A}, {Not: {Variable: $.a, IsPresent: ${yes}}, Next: A}, " +
			"{Variable: $.a, StringEquals: ${n}, Next: B}]}\n  B: {Type: Succeed}",
			`{"Type":"Choice","Choices":[{"Variable":"$.a","NumericEquals":5,"Next":"A"},` +
				`{"Not":{"Variable":"$.a","IsPresent":true},"Next":"A"},{"Variable":"$.a","StringEquals":"5","Next":"B"}]},"B":{"Type":"Succeed"}`},
	} {
		d, err := parse("TimeoutSeconds: ${n}\nStartAt: A\nStates:\n  A: "+tt.in, values)
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		if got := d.Encode(nil, nil); got != `{"TimeoutSeconds":5,"StartAt":"A","States":{"A":`+tt.want+`}}` {
			t.Errorf("%s\n got %s\nwant %s", tt.in, got, tt.want)
		}
	}
	for in, want := range map[string]string{
		`"${n}"`:    `has "5" as Seconds: it must be a whole number`,
		"${half}":   `has 0.5 as Seconds: it must be a whole number`,
		"${word}":   `has ${word} without quotes in States.A.Seconds, and its substitution "five" is not JSON`,
		"${absent}": `has no substitution for ${absent} in States.A.Seconds`,
		"${n}0":     `has "50" as Seconds: it must be a whole number`,
	} {
		_, err := parse("StartAt: A\nStates:\n  A: {Type: Wait, Seconds: "+in+", End: true}", map[string]string{"n": "5", "half": "0.5", "word": "five"})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %s", in, err, want)
		}
	}
}
