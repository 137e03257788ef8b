package engine

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/replay"
)

// raw is EventBridge's event of an execution. The construct's rules never pass it on unchanged.
func raw(arn, machine, status string) string {
	return fmt.Sprintf(`{"version":"0","source":"aws.states","detail-type":"Step Functions Execution Status Change",`+
		`"resources":[%q],"detail":{"executionArn":%q,"stateMachineArn":%q,"status":%q}}`, arn, arn, machine, status)
}

// failedInvocation is Lambda's record of an event at which a function failed.
func failedInvocation(t *testing.T, bodies ...string) string {
	t.Helper()
	type record struct {
		Body string `json:"body"`
	}
	var records []record
	for _, b := range bodies {
		records = append(records, record{b})
	}
	payload, err := json.Marshal(map[string]any{
		"version": "1.0", "requestContext": map[string]any{"condition": "RetriesExhausted"},
		"requestPayload": map[string]any{"Records": records},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(payload)
}

// Tracker could not settle the end of an item's execution, and its message became a dead letter: auto-replay settles
// it, in whatever form it names the execution.
func TestADeadLetterOfAnEndSettlesIt(t *testing.T) {
	forms := map[string]func(t *testing.T, pointer, arn, status string) string{
		"the pointer": func(_ *testing.T, pointer, _, _ string) string { return pointer },
		"the event of EventBridge": func(_ *testing.T, _, arn, status string) string {
			return raw(arn, MachineARN, status)
		},
		"the record of a failed invocation": func(t *testing.T, pointer, _, _ string) string {
			return failedInvocation(t, pointer)
		},
		"a pointer of another version": func(_ *testing.T, pointer, _, _ string) string {
			return strings.Replace(pointer, `"v":1`, `"v":2`, 1)
		},
		"a text": func(_ *testing.T, _, arn, _ string) string { return "could not settle " + arn + "." },
	}
	for name, form := range forms {
		for _, status := range []string{"SUCCEEDED", "FAILED", "ABORTED"} {
			t.Run(name+" "+status, func(t *testing.T) {
				e := inMemory(t)
				history(t, e, "r1", 1)
				id := ask(t, e, oneItem)
				e.Listen(drainToItems(t, e)...)
				execution := domain.APIName(id, "r1", 0)
				want := replay.Counts{Matched: 1, Started: 1, Failed: 1}
				switch status {
				case "SUCCEEDED":
					want.Succeeded, want.Failed = 1, 0
					e.Machine.RunAll(t.Context())
				case "FAILED":
					e.Machine.Work = failing("BadListing", never)
					e.Machine.RunAll(t.Context())
				default:
					e.Machine.Abort(execution)
				}
				ends := e.Machine.TakeEnds()
				dead(t, e, form(t, ends[len(ends)-1].Message, executionARN(execution), status))
				finished(t, e, id, replay.Completed, want)
				rows := inQuarantine(t, e)
				if failed := status == "FAILED"; len(rows) > 1 || failed != (len(rows) == 1) {
					t.Errorf("got %+v, want the failure alone in quarantine, if there is one", rows)
				}
				for _, f := range rows {
					if f.Execution != execution || f.Error != "BadListing" {
						t.Errorf("got %+v, want the failure of the execution", f)
					}
				}
			})
		}
	}
}

// The end of a series that Tracker could not process closes the series, in any form, and does not count as a failed
// event.
func TestADeadLetterOfASeriesClosesIt(t *testing.T) {
	for _, form := range []string{"pointer", "event", "text"} {
		for _, stopped := range []bool{false, true} {
			e := inMemory(t)
			history(t, e, "r1", 3)
			id := ask(t, e, fmt.Sprintf(seriesOf, `"all"`, "stop"))
			e.Listen(drainToItems(t, e)...)
			e.Series.Before = func(_ string, index int) bool {
				if stopped && index == 1 {
					cancel(t, e, id, 200)
				}
				return stopped || index < 1
			}
			e.Series.RunAll(t.Context())
			e.Replays.TakeAll() // the sweep gets lost
			pointer := e.Series.TakeEnds()[0].Message
			arn := seriesARN(domain.SeriesName(id, 0, 0))
			dead(t, e, map[string]string{"pointer": pointer, "event": raw(arn, SeriesMachineARN, "FAILED"), "text": arn}[form])
			if rows := inQuarantine(t, e); len(rows) != 0 {
				t.Errorf("%s: got %+v, want no failure of a series", form, rows)
			}
			e.Pump()
			want := replay.Completed
			if stopped {
				want = replay.Cancelled
			}
			finished(t, e, id, want, replay.Counts{Matched: 3, Started: 1, Succeeded: 1, Skipped: 2})
		}
	}
}

// An event failed, and its dead letter is not the pointer of the construct's rule. It still heals.
func TestADeadLetterOfAnotherFormHealsItsEvent(t *testing.T) {
	for _, body := range []string{
		raw(executionARN("live-1"), MachineARN, "FAILED"),
		`{"message":"delivery failed","execution":"` + executionARN("live-1") + `"}`,
	} {
		e := inMemory(t)
		e.Machine.Work = failing(outage, automatic)
		e.Ingest("live-1", sale(1))
		e.Machine.TakeEnds()
		dead(t, e, body)
		settleDown(t, e)
		if f := failure(t, e, "live-1"); f.Status != domain.Healed {
			t.Errorf("%s: got %+v, want it healed", body, f)
		}
	}
}

// Messages of other systems are ignored, and unreadable messages are kept with their body.
func TestADeadLetterOfAnotherMachineIsIgnored(t *testing.T) {
	e := inMemory(t)
	other := strings.ReplaceAll(MachineARN, ":importer", ":importer2")
	arn := strings.Replace(other, ":stateMachine:", ":execution:", 1) + ":x"
	dead(t, e, fmt.Sprintf(`{"v":1,"kind":"status","executionArn":%q,"name":"x","stateMachineArn":%q,"status":"FAILED","error":"Oops",`+
		`"startDate":1,"stopDate":2,"redriveCount":0}`, arn, other))
	if rows := inQuarantine(t, e); len(rows) != 0 {
		t.Errorf("got %+v, want nothing", rows)
	}
	unknown := []string{
		raw(arn, other, "FAILED"), "hello", `{"Records":[{"s3":{}}]}`, executionARN("nobody-knows"), `{"requestPayload":null}`,
	}
	dead(t, e, unknown...)
	rows := inQuarantine(t, e)
	if len(rows) != len(unknown) {
		t.Fatalf("got %+v, want %d messages kept", rows, len(unknown))
	}
	for _, f := range rows {
		kept, err := e.Log.Object(t.Context(), f.InputKey)
		if err != nil || f.Error != "UnknownMessage" || !strings.Contains(strings.Join(unknown, "\n"), string(kept)) {
			t.Errorf("got %+v with %q, %v, want the message as it came", f, kept, err)
		}
	}
}

// A record of a failed invocation carries several messages. Each is processed as if it had arrived alone.
func TestEachMessageOfAFailedInvocationIsTakenIn(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	id := ask(t, e, oneItem)
	item := drainToItems(t, e)
	e.Machine.Work = failing("BadListing", never)
	e.Ingest("live-1", ev("r2", 1))
	pointer := e.Machine.TakeEnds()[0].Message
	gone := protocol.ReplayMessage{Kind: protocol.KindItem, ReplayID: "none"}.Encode()
	dead(t, e, failedInvocation(t, item[0], pointer, gone, "hello"))
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Failed: 1})
	errors := map[string]int{}
	e.Ahead += time.Minute
	e.Schedule()
	for _, f := range inQuarantine(t, e) {
		errors[f.Error]++
	}
	if errors["BadListing"] != 1 || errors["PoisonMessage"] != 1 || errors["UnknownMessage"] != 1 || len(errors) != 3 {
		t.Errorf("got %v, want the failure of the event and the two messages that cannot be handled", errors)
	}
}

// An execution that a message names is still running, so it is left to its end.
func TestADeadLetterAboutWhatRunsIsLeftToItsEnd(t *testing.T) {
	e := inMemory(t)
	if err := e.Machine.Start("live-1", sale(1)); err != nil {
		t.Fatal(err)
	}
	dead(t, e, raw(executionARN("live-1"), MachineARN, "RUNNING"))
	if rows := inQuarantine(t, e); len(rows) != 0 {
		t.Errorf("got %+v, want nothing", rows)
	}
	e.Machine.RunAll(t.Context())
	e.Report()
	if row, err := e.Book.Executions.Get(t.Context(), "live-1"); err != nil || row.Status != domain.Succeeded {
		t.Errorf("got %+v, %v, want it succeeded", row, err)
	}
}
