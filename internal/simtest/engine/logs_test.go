package engine

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// lines collects what all functions log, at every level.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// TestNoLogHasPayloads puts marked data into events, requests and errors of the user's code. It runs the real handlers,
// with success and with failures, and searches every log line for the data. Of all input, only ids of resources,
// versions, executions and replays may be logged.
func TestNoLogHasPayloads(t *testing.T) {
	const marker = "MARKER"
	var log lines
	faults := &Faults{}
	logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	e := inMemoryLogging(t, faults, Clock{Now: time.Now}, logger)
	marked := func(id string, n int) string {
		return fmt.Sprintf(`{"id":%q,"owner":"MARKER-owner","n":%d,"note":"MARKER-payload"}`, id, n)
	}
	e.Machine.Work = func(_, event string) (string, string) {
		switch {
		case strings.Contains(event, `"bad"`):
			return "", "MarkedError"
		case strings.Contains(event, `"down"`):
			return "", "Lambda.TooManyRequestsException"
		}
		return event, ""
	}
	for i, id := range []string{"fine", "fine", "bad", "down"} {
		e.Ingest(fmt.Sprint("live-", i), marked(id, i))
	}
	for i, input := range []string{
		`{"owner":"MARKER-owner"}`, `{"id":{"MARKER":1}}`, `["MARKER"]`, `{"id":"","note":"MARKER"}`,
		`{"id":"big","note":"` + strings.Repeat("MARKER", 50_000) + `"}`,
		`{"replayableIngestion":{"v":1,"replayId":"MARKER"},"event":{"id":"fine","note":"MARKER"}}`,
	} {
		e.Ingest(fmt.Sprint("unusable-", i), input)
	}
	e.Report()
	for _, garbage := range []string{`MARKER`, `{"v":1,"kind":"other","note":"MARKER"}`} {
		if err := e.Dead.Send(t.Context(), garbage); err != nil {
			t.Fatal(err)
		}
		_ = e.Listen(garbage)
		_, _ = e.Tracker.Handle(t.Context(), batch(garbage))
	}
	settleDown(t, e)

	for _, request := range []string{
		`{"select":{"resourceIds":["fine","gone"]},"reason":"MARKER"}`,
		`{"select":{"resourceIds":["fine"]},"versions":{"series":"all"},"reason":"MARKER"}`,
		`{"select":{"ownerId":"MARKER-owner"},"transform":{"mergePatch":{"note":"MARKER"}},"target":"MARKER","reason":"MARKER"}`,
		`{"select":{"ownerId":"MARKER-owner"},"dryRun":true,"transform":{"mergePatch":{"id":"MARKER"}},"reason":"MARKER"}`,
		`{"select":{"resourceIds":["fine"]},"transform":{"jsonPatch":[{"op":"test","path":"/MARKER","value":"MARKER"}]},"reason":"MARKER"}`,
		`{"action":"republish","select":{"all":true},"maxItems":10,"reason":"MARKER"}`,
		`{"select":{"failures":{}},"transform":{"mergePatch":{"id":"mended","note":"MARKER"}},"reason":"MARKER"}`,
	} {
		id := ask(t, e, request)
		e.Pump()
		e.Call("GET", "/replays/{replayId}/items", "", map[string]string{"replayId": id}, nil)
		e.Call("POST", "/replays/{replayId}/cancel", "", map[string]string{"replayId": id}, nil)
	}
	for _, bad := range []string{`{"MARKER":1}`, `MARKER`, `{"select":{"ownerId":1},"reason":"MARKER"}`} {
		e.Call("POST", "/replays", bad, nil, nil)
	}
	e.Call("GET", "/versions", "", nil, map[string]string{"resourceId": "fine"})
	e.Call("GET", "/failures", "", nil, map[string]string{"error": "MARKER*"})
	e.Call("GET", "/failures", "", nil, map[string]string{"MARKER": "MARKER"})

	// And again while services answer that they are unavailable, which ends up in errors.
	for _, call := range []string{"PutObject", "GetItem", "TransactWriteItems", "StartExecution"} {
		faults.Refuse = call
		_ = faults.During(func() {
			e.Call("POST", "/replays", `{"select":{"ownerId":"MARKER-owner"},"reason":"MARKER"}`, nil, nil)
			_ = e.Machine.Start("troubled-"+call, marked("fine", 7))
			e.Machine.RunAll(t.Context())
			_ = e.Listen(e.Replays.TakeAll()...)
		})
		faults.Refuse = ""
	}
	e.Pump()
	settleDown(t, e)

	all := strings.Split(strings.TrimSpace(log.buf.String()), "\n")
	messages := map[string]bool{}
	for _, line := range all {
		if strings.Contains(line, marker) {
			t.Errorf("a log line has payload: %s", line[:min(len(line), 600)])
		}
		if _, rest, ok := strings.Cut(line, `"msg":"`); ok {
			message, _, _ := strings.Cut(rest, `"`)
			messages[message] = true
		}
	}
	if len(all) < 50 || len(messages) < 8 {
		t.Errorf("only %d lines with %d messages were logged: did the handlers run?", len(all), len(messages))
	}
}
