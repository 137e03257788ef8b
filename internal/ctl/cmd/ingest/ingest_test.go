package ingest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

// account is a world whose only stack has its ingestion.
func account(t testing.TB) *operator.World {
	w := operator.New(t)
	w.Account().Add("listings", w.In("listings", "Listings"))
	w.Process.Terminal.Width = nil
	return w
}

type sent struct {
	Line                                                   int
	Status, Execution, ExecutionARN, Error, Cause, Earlier string
	Recorded                                               *bool
}

func ingest(t testing.TB, w *operator.World, in string, words ...string) (operator.Said, []sent) {
	t.Helper()
	w.Process.In = strings.NewReader(in)
	args := append([]string{"ingest", "-", "-o", "jsonl"}, words...)
	got := w.RunWords(append(args, strings.Fields(w.Endpoint)...)...)
	var all []sent
	for dec := json.NewDecoder(strings.NewReader(got.Out)); dec.More(); {
		var one sent
		if err := dec.Decode(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return got, all
}

func statuses(all []sent) string {
	var words []string
	for _, one := range all {
		words = append(words, fmt.Sprintf("%d:%s", one.Line, one.Status))
	}
	return strings.Join(words, " ")
}

const (
	one = `{"id":"r1","owner":"o1","n":1}`
	two = `{"id":"r2","owner":"o1","n":2}`
)

func TestEventsAreSentAndWaitedFor(t *testing.T) {
	w := account(t)
	got, all := ingest(t, w, one+"\n\n  "+two+"\r\n", "--wait")
	if got.Code != exit.OK || statuses(all) != "1:SUCCEEDED 3:SUCCEEDED" || all[0].Recorded == nil || !*all[0].Recorded ||
		!strings.HasSuffix(all[0].ExecutionARN, ":execution:importer:"+all[0].Execution) {
		t.Errorf("got %d, %s%s", got.Code, got.Out, got.Err)
	}
	got.Wants(t, exit.OK, nil, []string{"2 events: 2 SUCCEEDED"})
	w.Run("show r2@latest --api-url "+w.Gateway.URL).Wants(t, exit.OK, []string{two}, nil)
}

func TestALineThatStepFunctionsRefusesIsInvalidAndTheOthersAreSent(t *testing.T) {
	w := account(t)
	w.Engine.Machine.StartFault = func(string) (error, bool) {
		if len(w.Engine.Machine.Starts) == 1 {
			w.Engine.Machine.StartFault = nil
			return &types.InvalidExecutionInput{Message: aws.String("no number 1E400")}, false
		}
		return nil, false
	}
	got, all := ingest(t, w, one+"\n"+two+"\n"+`{"id":"r3"}`, "--wait")
	if statuses(all) != "1:SUCCEEDED 2:INVALID 3:SUCCEEDED" || all[1].Error != "Step Functions refuses the event: no number 1E400" {
		t.Errorf("got %d, %s%s", got.Code, got.Out, got.Err)
	}
}

// Whatever was sent before is not sent twice, however the file is laid out.
func TestSendingAFileTwiceIsSafe(t *testing.T) {
	w := account(t)
	_, first := ingest(t, w, one+"\n"+two, "--wait")
	got, again := ingest(t, w, `{ "id": "r1", "owner": "o1", "n": 1 }`+"\n"+two)
	got.Wants(t, exit.OK, nil, []string{
		"2 events: 2 EXISTS", "2 events were sent before, in the last 90 days, and not started again",
		"replayctl replay RESOURCE_ID --reason TEXT", "to send each line as a new event: --name-prefix TEXT",
	})
	if statuses(again) != "1:EXISTS 2:EXISTS" || again[0].Execution != first[0].Execution || len(w.Engine.Machine.Starts) != 2 {
		t.Errorf("got %s, %d executions", got.Out, len(w.Engine.Machine.Starts))
	}
	for range 2 {
		got, all := ingest(t, w, one+"\n"+one, "--name-prefix", "import-2", "--wait")
		if got.Code != exit.OK || !strings.HasPrefix(all[0].Execution, "import-2-1-") || !strings.HasPrefix(all[1].Execution, "import-2-2-") {
			t.Errorf("got %s%s", got.Out, got.Err)
		}
	}
	if n := len(w.Engine.Machine.Starts); n != 4 {
		t.Errorf("got %d executions, want two for each line of the second file", n)
	}
}

func TestWhatBecameOfEachEventIsTold(t *testing.T) {
	w := account(t)
	w.Engine.Machine.Work = func(_, event string) (string, string) {
		if strings.Contains(event, "r2") {
			return "", "GeocoderDown"
		}
		return event, ""
	}
	got, all := ingest(t, w, one+"\n"+two+"\n"+`{"owner":"o1"}`, "--wait")
	got.Wants(t, exit.Failures, nil, []string{"3 events: 1 SUCCEEDED, 2 FAILED"})
	if statuses(all) != "1:SUCCEEDED 2:FAILED 3:FAILED" || all[1].Error != "GeocoderDown" || !*all[1].Recorded || all[2].Error != "InvalidEvent" || *all[2].Recorded {
		t.Errorf("got %s", got.Out)
	}
	w.Process.In = strings.NewReader(`{"id":"r2","owner":"o1","n":3}`)
	w.Run("ingest - --wait"+w.Endpoint).Wants(t, exit.Failures, []string{"LINE  STATUS  RECORDED  EXECUTION", "FAILED  yes", "GeocoderDown"}, nil)
}

// The end of an execution that was started before is not the end of one that was started now.
func TestWaitingDoesNotHideThatNothingWasStarted(t *testing.T) {
	w := account(t)
	w.Engine.Machine.Work = func(_, event string) (string, string) {
		if strings.Contains(event, "r2") {
			return "", "GeocoderDown"
		}
		return event, ""
	}
	_, first := ingest(t, w, two, "--wait")
	w.Process.In = strings.NewReader(two)
	w.Run("ingest - --wait"+w.Endpoint).Wants(t, exit.OK, []string{"1  EXISTS (FAILED)  yes", "GeocoderDown"}, []string{
		"1 event: 1 EXISTS", "line 1 was sent before as execution " + first[0].Execution + ", and not started again; its end was FAILED",
	})
	got, all := ingest(t, w, one+"\n"+two+"\n"+one, "--wait")
	got.Wants(t, exit.OK, nil, []string{"3 events: 1 SUCCEEDED, 1 EXISTS, 1 DUPLICATE", "line 2 was sent before"})
	if statuses(all) != "1:SUCCEEDED 2:EXISTS 3:DUPLICATE" || all[1].Earlier != "FAILED" || len(w.Engine.Machine.Starts) != 2 {
		t.Errorf("got %s, %d executions", got.Out, len(w.Engine.Machine.Starts))
	}
	got, all = ingest(t, w, one+"\n"+two, "--wait")
	got.Wants(t, exit.OK, nil, []string{"2 events: 2 EXISTS", "2 events were sent before", "1 of them failed"})
	if statuses(all) != "1:EXISTS 2:EXISTS" || all[0].Earlier != "SUCCEEDED" {
		t.Errorf("got %s", got.Out)
	}
}

// Two lines with the same event are one execution, also while it runs: the second one says so.
func TestASecondLineWithTheSameEventIsADuplicate(t *testing.T) {
	for _, flags := range []string{"", " --wait"} {
		w := account(t)
		w.Process.In = strings.NewReader(one + "\n" + two + "\n" + one)
		w.Run("ingest -"+flags+w.Endpoint).Wants(t, exit.OK, []string{"3  DUPLICATE (of line 1)"}, []string{"3 events: 2 S", ", 1 DUPLICATE"})
		got, all := ingest(t, w, one+"\n"+one)
		if statuses(all) != "1:EXISTS 2:DUPLICATE" || !strings.Contains(got.Out, `"duplicateOf":1`) || all[0].Execution != all[1].Execution {
			t.Errorf("got %s, want the second line to be a duplicate of line 1", got.Out)
		}
		if n := len(w.Engine.Machine.Starts); n != 2 {
			t.Errorf("got %d executions, want 2", n)
		}
	}
}

func TestLinesThatAreNoEventsAreNamed(t *testing.T) {
	w := account(t)
	got, all := ingest(t, w, strings.Join([]string{
		one, `{"id":`, `[1,2]`, `7`, `{"id":"a","id":"b"}`, `{"id":"` + strings.Repeat("x", 256_000) + `"}`, strings.Repeat(" ", 2<<20) + "{}", two,
		`{"id":"a","name":{"first":"\ud83d"}}`, "{\"id\":\"a\",\"names\":[\"\xff\"]}", `{"id":"a","\udc00":1}`, "\xff\xfe{",
	}, "\n"))
	got.Wants(t, exit.General, []string{
		"is not valid JSON: ", "write one event per line", "is an array, not an object: send its elements",
		"is not a JSON object", "id is given twice: leave one out", "has 256009 bytes, an event has at most 256000: keep large parts in S3",
		"has more than", "name.first has half of a surrogate pair, which is not a character: write both halves, or neither",
		"names[0] has bytes that are not UTF-8: convert the text to UTF-8", "is UTF-16, an event is UTF-8: convert the file with iconv",
	}, []string{"12 events: 2 STARTED, 10 INVALID"})
	if statuses(all) != "1:STARTED 2:INVALID 3:INVALID 4:INVALID 5:INVALID 6:INVALID 7:INVALID 8:STARTED 9:INVALID 10:INVALID 11:INVALID 12:INVALID" {
		t.Errorf("got %s", statuses(all))
	}
	if strings.Count(got.Out+got.Err, "is given twice") != 1 {
		t.Errorf("a fault is told twice:\n%s%s", got.Out, got.Err)
	}
}

// U+FFFD that an event has, whole pairs, and a byte order mark before each part of a file that was joined, are no faults.
func TestUnusualTextIsSent(t *testing.T) {
	w := account(t)
	lines := []string{`{"id":"r1","a":"\ud83d\ude00","b":"\ufffd","c":"` + "\uFFFD" + `","\uFFFD":"😀"}`, "\ufeff" + two}
	if got, all := ingest(t, w, "\ufeff"+strings.Join(lines, "\n")); statuses(all) != "1:STARTED 2:STARTED" {
		t.Errorf("got %s%s", got.Out, got.Err)
	}
}

func TestNoEventsAreAnError(t *testing.T) {
	w := account(t)
	for _, input := range []string{"", "\n \n", "\ufeff"} {
		w.Process.In = strings.NewReader(input)
		w.Run("ingest -"+w.Endpoint).Wants(t, exit.Usage, nil, []string{"standard input has no events", "an event is a JSON object"})
	}
	w.Run("ingest /nope"+w.Endpoint).Wants(t, exit.Usage, nil, []string{"error: open /nope: no such file"})
}

func TestAFileMayHaveOneEventOnSeveralLines(t *testing.T) {
	w := account(t)
	file := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(file, []byte("{\n  \"id\": \"r1\",\n  \"owner\": \"o1\",\n  \"n\": 1\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Run("ingest "+file+" --wait"+w.Endpoint).Wants(t, exit.OK, []string{"1  SUCCEEDED  yes"}, nil)
	w.Run("show r1 --api-url "+w.Gateway.URL).Wants(t, exit.OK, []string{one}, nil)
}

func TestThePaceIsKept(t *testing.T) {
	w := account(t)
	now, waited := time.Now(), time.Duration(0)
	w.Process.Now = func() time.Time { return now }
	w.Process.Sleep = func(_ context.Context, d time.Duration) error { now, waited = now.Add(d), waited+d; return nil }
	events := ""
	for i := range 101 {
		events += fmt.Sprintf(`{"id":"r1","owner":"o1","n":%d}`+"\n", i)
	}
	got, _ := ingest(t, w, events, "--rate", "50")
	if got.Code != exit.OK || waited != 2*time.Second {
		t.Errorf("got %d, %s for 101 events, want 2s", got.Code, waited)
	}
	waited = 0
	if ingest(t, w, events, "--rate", "0"); waited != 0 {
		t.Errorf("waited %s without a limit", waited)
	}
}

func TestAnErrorStopsAndSaysHowToGoOn(t *testing.T) {
	w := account(t)
	n := 0
	w.Engine.Machine.StartFault = func(string) (error, bool) {
		if n++; n == 2 {
			return &types.StateMachineDeleting{Message: new(string)}, false
		}
		return nil, false
	}
	got, all := ingest(t, w, one+"\n"+two)
	got.Wants(t, exit.Refused, nil, []string{"send line 2", "what was sent is not sent twice", "1 event: 1 STARTED"})
	if statuses(all) != "1:STARTED" {
		t.Errorf("got %s", statuses(all))
	}
}

func TestWrongFlagsOfIngest(t *testing.T) {
	w := account(t)
	for line, want := range map[string]string{
		"ingest": "FILE is missing", "ingest /nowhere": "no such file", "ingest - --rate -1": "--rate must be a whole number from 0 to 1000, got -1",
		"ingest - --name-prefix a.b": "--name-prefix must have 1 to 24 letters", "ingest - --name-prefix rp-x": "must not begin with rp-",
		"ingest - --api-url " + w.Gateway.URL: "only the URL of the API is known",
	} {
		if got := w.Run(line + w.Endpoint); got.Code != exit.Usage || !strings.Contains(got.Err, want) {
			t.Errorf("%s: got %d, %s, want %s", line, got.Code, got.Err, want)
		}
	}
}

// spring makes events, and measures what is kept while it does.
type spring struct {
	left   int
	buffer []byte
	most   uint64
}

func (s *spring) Read(p []byte) (int, error) {
	if len(s.buffer) == 0 {
		if s.left == 0 {
			return 0, io.EOF
		}
		if s.left--; s.left%200 == 0 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			s.most = max(s.most, m.HeapAlloc)
		}
		s.buffer = []byte("[" + strings.Repeat("0,", 50_000) + "0]\n") // no event, so that the state machine keeps none
	}
	n := copy(p, s.buffer)
	s.buffer = s.buffer[n:]
	return n, nil
}

func TestAHugeFileTakesLittleMemory(t *testing.T) {
	w := account(t)
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	in := &spring{left: 2_000} // 200 MB
	p := w.Process
	p.Args, p.In, p.Out, p.Err = append([]string{"ingest", "-", "-o", "jsonl"}, strings.Fields(w.Endpoint)...), in, io.Discard, io.Discard
	if code := ctl.Main(t.Context(), p); code != exit.General {
		t.Fatalf("got exit code %d", code)
	}
	if in.most > before.HeapAlloc+16<<20 {
		t.Errorf("keeps %d bytes of a file of 200 MB", in.most-before.HeapAlloc)
	}
}
