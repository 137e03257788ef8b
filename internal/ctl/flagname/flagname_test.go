package flagname_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/flagname"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestTextsNameFlags(t *testing.T) {
	for text, want := range map[string]string{
		"stale: version v2 is newer; allowStale replays it all the same": "stale: version v2 is newer; --allow-stale replays it all the same",
		"7 items failed, maxFailures is 5":                               "7 items failed, --max-failures is 5",
		"its 3 versions are more than maxItems 2 has room for":           "its 3 versions are more than --max-items 2 has room for",
		"needs select.failures, which says what failed":                  "needs --failures, which says what failed",
		"the reason, the target and the versions stay words":             "the reason, the target and the versions stay words",
	} {
		if got := flagname.In(text); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAFaultInAListNamesTheEntry(t *testing.T) {
	_, err := replay.Decode([]byte(`{"select":{"resourceIds":["a",""]},"reason":"x"}`), time.Now())
	var invalid *replay.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("got %v, want faults", err)
	}
	const want = `resource id number 2 is not usable: it is empty (got "")`
	if got := flagname.Of(invalid.Faults[0]); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// camel is a name of the API's JSON.
var camel = regexp.MustCompile(`\b[a-z]+[A-Z]\w+\b|\bselect\.|\bversions\.`)

// Whatever the API finds wrong with a request that flags can make is said in the words of the command line.
func TestFaultsNameFlags(t *testing.T) {
	for _, body := range []string{
		`{"select":{"resourceIds":["",1]},"maxItems":0,"maxPerSecond":-1,"maxFailures":-1,"target":"","allowStale":1,"dryRun":1}`,
		`{"select":{"resourceIds":["a",""]},"versions":{"ids":["v",""],"onFailure":"x"},"reason":""}`,
		`{"select":{"resourceIds":["a","b"]},"versions":{"ids":["v"]},"reason":"x"}`,
		`{"select":{"ownerId":""},"versions":{"series":{"last":0}}}`,
		`{"select":{"ownerId":"o"},"versions":{"series":{"from":"v1","to":"v2"}}}`,
		`{"select":{"all":true},"versions":{"asOf":"never"},"publish":"no"}`,
		`{"select":{"failures":{"error":"[","since":"x","until":"y"},"recorded":{"from":"x","to":"y"}},"versions":{"series":"all","onFailure":1}}`,
		`{"select":{"failures":{"since":"-PT1H","until":"-PT2H"},"recorded":{"from":"-PT1H","to":"-PT2H"}},"reason":"x"}`,
		`{"select":{"ownerId":"o"},"transform":{"mergePatch":[]},"reason":"x","action":"republish"}`,
		`{"select":{"ownerId":"o"},"transform":{"jsonPatch":[{"op":"x"}]},"reason":"x\ny"}`,
	} {
		_, err := replay.Decode([]byte(body), time.Now())
		var invalid *replay.InvalidError
		if !errors.As(err, &invalid) {
			t.Fatalf("%s: got %v, want faults", body, err)
		}
		for _, f := range invalid.Faults {
			got := flagname.Of(f)
			said, _, _ := strings.Cut(got, " (got ")
			if camel.MatchString(said) {
				t.Errorf("got %q, want flags in place of fields", got)
			}
		}
	}
}
