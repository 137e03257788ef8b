package request_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

func TestIdsComeFromFilesAndPipes(t *testing.T) {
	w := operator.New(t)
	list := "\ufeffr1\r\n\n# a comment\n  r2  \n\"r 3\"\n{\"resourceId\":\"r4\",\"error\":\"X\"}\nr1\n"
	file := filepath.Join(t.TempDir(), "ids")
	if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"-", file} {
		w.Process.In = strings.NewReader(list)
		w.Run("replay r0 -f "+from+" --reason x").Wants(t, exit.OK, nil, nil)
		if got, want := w.Requested().Request.Select.ResourceIDs, []string{"r0", "r1", "r2", "r 3", "r4"}; !slices.Equal(got, want) {
			t.Errorf("from %s: got %q, want %q", from, got, want)
		}
	}
	for list, want := range map[string]string{
		"": "standard input names no resource",
		"{\"resourceId\":\"a\",\"resourceId\":\"b\"}": "line 1: resourceId is given twice",
		"a\n{\"resourceId\":1}\n":                     "standard input, line 2: is not a JSON object",
		"{\"execution\":\"e\"}":                       "line 1: the object has no resourceId",
		"\"a":                                         "line 1: is not a JSON string",
		strings.Repeat("a", 2<<20):                    "token too long",
	} {
		w.Process.In = strings.NewReader(list)
		if got := w.Run("replay -f - --reason x"); got.Code == exit.OK || !strings.Contains(got.Err, want) {
			t.Errorf("%.20q: got %d, %s, want %s", list, got.Code, got.Err, want)
		}
	}
}
