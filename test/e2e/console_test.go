package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// serveConsole runs replayctl console in front of the shared stack, and returns the address that lets a browser in.
func (y *system) serveConsole(t *testing.T) (address string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "local.json")
	b, err := json.Marshal(y.Result)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	out, printed := io.Pipe()
	var said bytes.Buffer
	p := factory.System()
	p.Args, p.Out, p.Err = []string{"console", "--local=" + file, "--port", "0", "--no-open"}, printed, &said
	p.Terminal, p.CacheDir = factory.Terminal{}, ""
	ended := make(chan exit.Code, 1)
	go func() {
		ended <- ctl.Main(ctx, p)
		_ = printed.Close() // who reads is told that it has ended
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != exit.OK {
			t.Errorf("got exit code %d: %s", code, said.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	return strings.TrimSpace(line)
}

// TestTheConsoleHealsAFailureInABrowser has test/browser, a module of its own, drive Chromium in front of the deployed stack.
func TestTheConsoleHealsAFailureInABrowser(t *testing.T) {
	t.Parallel()
	id := fresh("console")
	live := sys.ingest(t, listing{id: id, owner: fresh("agency"), price: bad}.json())
	sys.failed(t, live, "InvalidListing")
	sys.autoReplay(t)
	sys.decided(t, live, domain.Quarantined)
	address := sys.serveConsole(t)
	run := exec.CommandContext(t.Context(), "go", "test", "-count", "1", "-run", "^TestAFailureOfADeployedStackIsHealed$", ".",
		"-deployed", address, "-broken", id)
	run.Dir = "../browser"
	said, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	h := sys.versions(t, id).Versions
	if len(h) != 1 || h[0].Outcome() != replay.VersionSucceeded || len(h[0].Failures) != 1 || h[0].Failures[0].Status != string(domain.Healed) {
		t.Errorf("got %+v, want one version, healed\n%s", h, said)
	}
}
