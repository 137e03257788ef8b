package replay_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

func TestKeysThatAreGivenTwice(t *testing.T) {
	for doc, want := range map[string]string{
		`{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}`: "",
		`{"a":1,"a":1}`:                 "a is given twice",
		`{"a":{"b":[0,{"c":1,"c":2}]}}`: "a.b[1].c is given twice",
		`[{"x":1},{"x":1,"y":2,"x":3}]`: "[1].x is given twice",
		`{"a":1,"\u0061":2}`:            "a is given twice",
		`{"":1,"":2}`:                   `"" is given twice`,
		`{"a":{"a":1},"a":2}`:           "a is given twice",
		`{"a":"b","b":"a"}`:             "",
		`7`:                             "", `not JSON`: "", `{"a":1`: "", ``: "",
	} {
		err := replay.CheckKeys([]byte(doc))
		if got := errorText(err); want == "" && err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", doc, got, want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Which of two values counts would depend on the parser.
func TestARequestWithAKeyTwiceIsRefused(t *testing.T) {
	for body, field := range map[string]string{
		`{"select":{"ownerId":"a"},"reason":"x","reason":"y"}`:                                                       "reason",
		`{"select":{"ownerId":"a","ownerId":"b"},"reason":"x"}`:                                                      "select.ownerId",
		`{"select":{"ownerId":"a"},"transform":{"mergePatch":{"n":1,"n":2}},"reason":"x"}`:                           "transform.mergePatch.n",
		`{"select":{"ownerId":"a"},"transform":{"jsonPatch":[{"op":"add","op":"remove","path":"/n"}]},"reason":"x"}`: "transform.jsonPatch[0].op",
	} {
		_, err := replay.Decode([]byte(body), time.Now())
		var invalid *replay.InvalidError
		if !errors.As(err, &invalid) || invalid.Faults[0].Field != field || !strings.Contains(invalid.Faults[0].Detail, "given twice") {
			t.Errorf("%s: got %v, want %s refused", body, err, field)
		}
	}
}

func TestAVersionsFaultNamesEveryForm(t *testing.T) {
	for _, versions := range []string{`"newest"`, `7`, `[]`, `{}`, `{"ids":["v"],"series":"all"}`} {
		_, err := replay.Decode([]byte(`{"select":{"resourceIds":["a"]},"versions":`+versions+`,"reason":"x"}`), time.Now())
		for _, want := range []string{`"latest"`, `"failed"`, `{"ids": [...]}`, `{"asOf": time}`, `{"series": ...}`} {
			if !strings.Contains(errorText(err), want) {
				t.Errorf("%s: got %v, want %s in it", versions, err, want)
			}
		}
	}
}
