package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/bench/cost"
	"github.com/ce873799/replayable-ingestion/dev/lambdahost"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

var update = flag.Bool("update", false, "write the tables of the documents anew")

func TestTheListenerIsMeasuredUnderALimit(t *testing.T) {
	var out bytes.Buffer
	r := &run{Options: Options{Out: &out, Sizes: Sizes{Settling: 200 * time.Millisecond, Window: time.Second}}}
	rows, err := r.listener(t.Context())
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if len(rows) != 3 {
		t.Fatalf("got %+v, want three rows", rows)
	}
	if one := rows[1].Value; rows[1].Unit != "starts/s" || one <= 0 || one > startLimit {
		t.Errorf("one instance: got %v %s, want more than 0 and at most %d starts/s", one, rows[1].Unit, startLimit)
	}
}

// TestTheCallsAreThoseOfTheDocuments counts the calls of the functions again, because each further call costs money.
func TestTheTrackerIsMeasuredWithQuotas(t *testing.T) {
	var out strings.Builder
	r := &run{Options: Options{Out: &out, Sizes: Sizes{Window: 500 * time.Millisecond}}}
	rows, err := r.tracker(t.Context())
	if err != nil || len(rows) != 1 || rows[0].Value <= 10 {
		t.Errorf("got %+v, %v: %s", rows, err, out.String())
	}
}

func TestTheCallsAreThoseOfTheDocuments(t *testing.T) {
	want, err := cost.Committed()
	if err != nil {
		t.Fatal(err)
	}
	got, err := MeasureUsage(t.Context(), Full().CostEvents, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range []struct {
		what      string
		got, want cost.Measured
	}{
		{"ingested", got.Ingested, want.Ingested}, {"failed", got.Failed, want.Failed},
		{"replayed", got.Replayed, want.Replayed},
	} {
		if !alike(each.got.Calls, each.want.Calls) || !alike(each.got.Invocations, each.want.Invocations) {
			t.Errorf("%s: got %v, %v, dev/bench/cost/measured.json has %v, %v: run make bench "+
				"ARGS=\"--only cost --update\"",
				each.what, each.got.Calls, each.got.Invocations, each.want.Calls, each.want.Invocations)
		}
		for what, pair := range map[string][2]float64{
			"write units": {each.got.Write, each.want.Write}, "read units": {each.got.Read, each.want.Read},
			"bytes of rows": {each.got.Row, each.want.Row}, "bytes of objects": {each.got.Object, each.want.Object},
			"bytes logged": {each.got.Logged, each.want.Logged}, // durations in lines have more or fewer digits
		} {
			if math.Abs(pair[0]-pair[1]) > 0.03*math.Max(pair[1], 1) {
				t.Errorf("%s: got %v %s, dev/bench/cost/measured.json has %v", each.what, pair[0], what, pair[1])
			}
		}
	}
}

// budgeted are calls whose number depends on how far the budget of Step Functions calls has refilled meanwhile.
var budgeted = []string{"states.DescribeExecution", "states.GetExecutionHistory", "dynamodb.GetItem"}

// alike compares calls per event. One event in 200 may need one more call, because batches and lists depend on which
// messages arrive together.
func alike(got, want map[string]float64) bool {
	for call := range got {
		most := 0.02
		if slices.Contains(budgeted, call) {
			most = 0.25
		}
		if w, known := want[call]; !known || math.Abs(got[call]-w) > most {
			return false
		}
	}
	return len(got) == len(want)
}

func TestTheTablesInTheDocumentsAreTrue(t *testing.T) {
	rows, err := Baseline()
	if err != nil {
		t.Fatal(err)
	}
	workload, err := cost.Committed()
	if err != nil {
		t.Fatal(err)
	}
	documents, err := Tables(rows, workload)
	if err != nil {
		t.Fatal(err)
	}
	for file, tables := range documents {
		path := filepath.Join("..", "..", file)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Fill(string(text), tables)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			err = os.WriteFile(path, []byte(want), 0o600)
		} else if string(text) != want {
			err = errors.New(file + " is not what baseline.json, cost/measured.json and cost/prices.json say: " +
				"run go test ./dev/bench -run Tables -update")
		}
		if err != nil {
			t.Error(err)
		}
	}
}

func TestRegressions(t *testing.T) {
	baseline := []Row{
		most("slow", 2, ratio, 4), least("fast", 90, 50), list("size", 3, ratio), list("seconds", 1, "s"),
		exact("count", 5, "sales", 5), most("missed", 9, ratio, 4),
	}
	for name, c := range map[string]struct {
		row  Row
		want string
	}{
		"within a fifth":                 {most("slow", 2.4, ratio, 4), ""},
		"more than a fifth worse":        {most("slow", 2.41, ratio, 4), "slow: 2.41 ×, the baseline has 2"},
		"better":                         {most("slow", 1, ratio, 4), ""},
		"less of what more is better":    {least("fast", 71, 50), "fast: 71 %, the baseline has 90"},
		"more of what more is better":    {least("fast", 200, 50), ""},
		"a ratio without a target":       {list("size", 3.7, ratio), "size: 3.7 ×, the baseline has 3"},
		"no ratio":                       {list("seconds", 100, "s"), ""},
		"a target that held":             {exact("count", 4, "sales", 5), "count: 4 sales, the target is exactly 5"},
		"a target that was missed":       {most("missed", 9.5, ratio, 4), ""},
		"a new row that holds":           {most("new", 1, ratio, 4), ""},
		"a new row that misses a target": {most("new", 5, ratio, 4), "new: 5 ×, the target is ≤ 4"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(Regressions([]Row{c.row}, baseline), "; "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheReportIsAnArrayOfRows(t *testing.T) {
	text, err := json.Marshal([]Row{most("a", 1.5, ratio, 2)})
	if want := `[{"figure":"a","value":1.5,"unit":"×","target":"≤ 2","holds":true}]`; err != nil || string(text) != want {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 7: "7", 1000: "1,000", 21597: "21,597", 1234567: "1,234,567", 0.0625: "0.0625", 1234.5: "1,234.5",
		-1000: "-1,000",
	} {
		if got := number(v); got != want {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
}

func TestUnknownPartsAreRefused(t *testing.T) {
	_, err := Run(t.Context(), Options{Out: &bytes.Buffer{}, Only: []string{"cold", "hot air"}})
	if !errors.Is(err, ErrUnknownPart) || !strings.Contains(err.Error(), "hot air") {
		t.Errorf("got %v", err)
	}
}

func TestFillKeepsWhatIsAroundTheTable(t *testing.T) {
	const document = "before\n<!-- x: made by make bench -->\nold\n<!-- end of x -->\nafter"
	got, err := Fill(document, map[string]string{"x": "new\n"})
	if want := "before\n<!-- x: made by make bench -->\n\nnew\n\n<!-- end of x -->\nafter"; err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := Fill("none", map[string]string{"x": ""}); !errors.Is(err, ErrMarks) {
		t.Errorf("got %v, want ErrMarks", err)
	}
}

func TestEveryUsageHasAPrice(t *testing.T) {
	workload, err := cost.Committed()
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range workload.Ways() {
		for _, u := range []cost.Usage{w.Ingested, w.Failed, w.Replayed} {
			_, total, err := cost.Bill(u)
			if err != nil || total <= 0 {
				t.Errorf("%s: %v, %v", w.Name, total, err)
			}
		}
	}
}

// TestSelectionsAreExpandedByTheListenersProgram compiles and starts it as Lambda does.
func TestSelectionsAreExpandedByTheListenersProgram(t *testing.T) {
	program := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.Command("go", "build", "-tags=lambda.norpc", "-o", program, "../../lambdas/replaylistener")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, n := range []int{980, 2_940} {
		peak, err := expansion(t.Context(), []string{program}, n)
		if err != nil {
			t.Fatal(err)
		}
		if peak < 1e6 || peak > 200e6 {
			t.Errorf("%d resources: got %d bytes of memory at most, want megabytes", n, peak)
		}
	}
}

func TestAnOutageIsPlayed(t *testing.T) {
	r := &run{Options: Options{Tools: toolchain.Tools{Root: filepath.Join("..", "..")}, Sizes: Sizes{Failures: 200}}}
	rows, err := r.outage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || !rows[0].Holds || rows[0].Value < 5 || rows[1].Value < 5 {
		t.Errorf("got %+v, want both to take an interval of the schedule at least", rows)
	}
}

func TestAFunctionThatCannotStartIsReported(t *testing.T) {
	_, err := start(t.Context(), program{argv: []string{"sh", "-c", "echo no settings >&2; exit 1"}})
	if !errors.Is(err, lambdahost.ErrNotReady) || !strings.Contains(err.Error(), "no settings") {
		t.Errorf("got %v, want ErrNotReady with what the program said", err)
	}
}
