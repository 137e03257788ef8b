package asl

import (
	"encoding/json"
	"strings"
	"testing"
)

func task(name string) *Object {
	return NewObject(map[string]any{"Type": "Task", "Resource": name, "End": true})
}

func parse(text string, values map[string]string) (*Document, error) {
	return Parse(text, Options{Substitutions: values, States: []string{"Record", "Publish"}, Variables: []string{"ingestion"}})
}

func parseFree(text string) (*Document, error) { return Parse(text, Options{}) }

func spliced(t *testing.T, text string, values map[string]string) (string, int) {
	t.Helper()
	d, err := parse(text, values)
	if err != nil {
		t.Fatal(err)
	}
	open := d.Splice("Record", task("r"), "Publish", task("p"))
	return d.Encode(nil, nil), open
}

const (
	record  = `"Record":{"Resource":"r","Type":"Task","Next":"A"}`
	publish = `"Publish":{"End":true,"Resource":"p","Type":"Task"}`
)

func TestSplice(t *testing.T) {
	for _, tt := range []struct {
		name, in, want string
		open           int
	}{
		{
			name: "keeps the order of states and fields and every digit",
			in: `{"Comment":"c","Version":"1.0","StartAt":"A","TimeoutSeconds":9,"States":{
				"Z":{"Type":"Pass","End":true},
				"A":{"Type":"Pass","Result":{"n":12345678901234567890.10,"s":"<&>"},"ResultPath":null,"Next":"Z"}}}`,
			want: `{"Comment":"c","Version":"1.0","StartAt":"Record","TimeoutSeconds":9,"States":{` + record +
				`,"Z":{"Type":"Pass","Next":"Publish"},"A":{"Type":"Pass","Result":{"n":12345678901234567890.10,"s":"<&>"},` +
				`"ResultPath":null,"Next":"Z"},` + publish + `}}`,
			open: 1,
		},
		{
			name: "leaves Succeed, Fail and what only a Catch leads to",
			in: `{"StartAt":"A","States":{
				"A":{"Type":"Task","Resource":"x","Catch":[{"ErrorEquals":["E"],"Next":"C"},{"ErrorEquals":["States.ALL"],"Next":"D"}],"Next":"B"},
				"B":{"Type":"Choice","Choices":[{"Variable":"$.a","IsPresent":true,"Next":"S"},{"Variable":"$.b","IsPresent":true,"Next":"D"}],"Default":"F"},
				"C":{"Type":"Pass","End":true},"D":{"Type":"Wait","Seconds":1,"End":true},
				"S":{"Type":"Succeed"},"F":{"Type":"Fail"}}}`,
			want: `{"StartAt":"Record","States":{` + record + `,` +
				`"A":{"Type":"Task","Resource":"x","Catch":[{"ErrorEquals":["E"],"Next":"C"},{"ErrorEquals":["States.ALL"],"Next":"D"}],"Next":"B"},` +
				`"B":{"Type":"Choice","Choices":[{"Variable":"$.a","IsPresent":true,"Next":"S"},{"Variable":"$.b","IsPresent":true,"Next":"D"}],"Default":"F"},` +
				`"C":{"Type":"Pass","End":true},"D":{"Type":"Wait","Seconds":1,"Next":"Publish"},"S":{"Type":"Succeed"},"F":{"Type":"Fail"},` + publish + `}}`,
			open: 1,
		},
		{
			name: "goes into no Map and no Parallel",
			in: `{"StartAt":"A","States":{"A":{"Type":"Parallel","Branches":[{"StartAt":"L","States":{"L":{"Type":"Map",
				"Iterator":{"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}},"End":true}}}],"End":true}}}`,
			want: `{"StartAt":"Record","States":{` + record + `,"A":{"Type":"Parallel","Branches":[{"StartAt":"L","States":{"L":{"Type":"Map",` +
				`"Iterator":{"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}},"End":true}}}],"Next":"Publish"},` + publish + `}}`,
			open: 1,
		},
		{
			name: "moves JSONata from the top into every state that names no language, nested ones included",
			in: `{"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"StartAt":"I","States":{
				"I":{"Type":"Pass","QueryLanguage":"JSONata","Next":"J"},"J":{"Type":"Succeed"}}},"End":true}}}`,
			want: `{"StartAt":"Record","States":{` + record + `,"A":{"Type":"Map","QueryLanguage":"JSONata","ItemProcessor":{"StartAt":"I","States":{` +
				`"I":{"Type":"Pass","QueryLanguage":"JSONata","Next":"J"},"J":{"Type":"Succeed","QueryLanguage":"JSONata"}}},"Next":"Publish"},` + publish + `}}`,
			open: 1,
		},
		{
			name: "moves JSONata out of a nested workflow and leaves JSONPath at the top",
			in: `{"QueryLanguage":"JSONPath","StartAt":"A","States":{"A":{"Type":"Parallel","Branches":[{"QueryLanguage":"JSONata",
				"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}},{"StartAt":"J","States":{"J":{"Type":"Pass","End":true}}}],"End":true}}}`,
			want: `{"QueryLanguage":"JSONPath","StartAt":"Record","States":{` + record + `,"A":{"Type":"Parallel","Branches":[{` +
				`"StartAt":"I","States":{"I":{"Type":"Pass","QueryLanguage":"JSONata","End":true}}},` +
				`{"StartAt":"J","States":{"J":{"Type":"Pass","End":true}}}],"Next":"Publish"},` + publish + `}}`,
			open: 1,
		},
		{
			name: "has nothing to publish where every end is Succeed",
			in:   `{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}`,
			want: `{"StartAt":"Record","States":{` + record + `,"A":{"Type":"Succeed"}}}`,
			open: 0,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, open := spliced(t, tt.in, nil)
			if got != tt.want || open != tt.open {
				t.Errorf("\n got %d ends: %s\nwant %d ends: %s", open, got, tt.open, tt.want)
			}
			if !json.Valid([]byte(got)) {
				t.Error("got text that is not JSON")
			}
		})
	}
}

func TestSubstitutions(t *testing.T) {
	got, _ := spliced(t, `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"${fn}","Parameters":{"${key}":"a ${q} b ${q}",
		"x":"${a: b} ${Token[T.1]} $.b"},"End":true}}}`, map[string]string{"fn": "arn", "key": "k", "q": `"${fn}"`})
	want := `"A":{"Type":"Task","Resource":"arn","Parameters":{"k":"a \"${fn}\" b \"${fn}\"","x":"${a: b} ${Token[T.1]} $.b"},"Next":"Publish"}`
	if !strings.Contains(got, want) {
		t.Errorf("\n got %s\nwant %s in it", got, want)
	}
}

func TestDistributedMapsAreFoundByLabel(t *testing.T) {
	d, err := Parse(`{"StartAt":"A","States":{"A":{"Type":"Map","Label":"outer","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED",
		"ExecutionType":"STANDARD"},"StartAt":"B","States":{"B":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED"},
		"StartAt":"C","States":{"C":{"Type":"Pass","End":true}}},"Next":"D"},"D":{"Type":"Map","ItemProcessor":{"StartAt":"E","States":{
		"E":{"Type":"Pass","End":true}}},"End":true}}},"End":true}}}`, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(d.DistributedMaps(), "|"); got != "outer|" {
		t.Errorf("got %q", got)
	}
}

// FuzzParse checks that any definition is rejected with reasons, or spliced into one that can be parsed again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		``, `{`, `null`, `[]`, `{"StartAt":1,"States":[]}`, `{"States":{"A":null}}`,
		`{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`,
		`{"StartAt":"A","QueryLanguage":"JSONata","States":{"A":{"Type":"Map","ItemProcessor":{"StartAt":"B","States":{"B":{"Type":"Fail"}}},"End":true}}}`,
		`{"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[1,{"Next":2}],"Default":"A","Catch":{}},"${x}":{"Type":"Wait"}}}`,
		`{"StartAt":"A","States":{"A":{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{}}},3],"End":1}}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parse(text, map[string]string{"x": "y"})
		if err != nil {
			return
		}
		d.Splice("Record", task("r"), "Publish", task("p"))
		got := d.Encode(nil, nil)
		if _, err := parseFree(got); err != nil && !strings.Contains(got, "${") {
			t.Errorf("%s: %v", got, err)
		}
	})
}
