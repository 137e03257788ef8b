package console_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

func TestTheConsoleIsServedUntilItIsInterrupted(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	ctx, cancel := context.WithCancel(t.Context())
	w.Process.Browse = func(_ context.Context, address string) error {
		go func() { // as a browser: while the command serves
			defer cancel()
			jar, err := cookiejar.New(nil)
			if err != nil {
				t.Error(err)
				return
			}
			resp, err := (&http.Client{Jar: jar}).Get(address)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "<h1>Overview</h1>") {
				t.Errorf("got %d %s, %v, want the overview", resp.StatusCode, body, err)
			}
		}()
		return nil
	}
	w.RunIn(ctx, "console", "--port", "0").Wants(t, exit.OK, []string{"http://127.0.0.1:", "/login?token="}, []string{"Ctrl-C ends the console"})
}

func TestAProgramReadsTheAddress(t *testing.T) {
	w := operator.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.Process.Browse = func(context.Context, string) error { t.Error("the browser was opened"); return nil }
	got := w.RunIn(ctx, "console", "--port", "0", "--no-open", "-o", "json")
	var doc struct{ URL string }
	if err := json.Unmarshal([]byte(got.Out), &doc); err != nil || got.Code != exit.OK || !strings.Contains(doc.URL, "/login?token=") {
		t.Errorf("got %d %s %s, %v, want the address", got.Code, got.Out, got.Err, err)
	}
}

func TestWhatIsWrongWithTheFlagsIsSaid(t *testing.T) {
	w := operator.New(t)
	busy, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	_, port, _ := net.SplitHostPort(busy.Addr().String())
	for line, want := range map[string]string{
		"console --port " + port:  "port " + port + " is in use",
		"console --port 70000":    "--port must be from 1 to 65535, or 0",
		"console --payloads some": "--payloads must be one of none, masked, full",
		"console now":             `unexpected argument "now"`,
	} {
		w.Run(line).Wants(t, exit.Usage, nil, []string{want})
	}
}
