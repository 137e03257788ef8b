package browser_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

// TestTheCommandLetsTheBrowserInThatItOpens has the command itself serve, and follows the address that it opens.
func TestTheCommandLetsTheBrowserInThatItOpens(t *testing.T) {
	w := operator.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	opened := make(chan string, 1)
	out, printed := io.Pipe()
	var said bytes.Buffer
	p := w.Process
	p.Args, p.Out, p.Err = []string{"console", "--port", "0"}, printed, &said
	p.Browse = func(_ context.Context, address string) error { opened <- address; return nil }
	ended := make(chan exit.Code, 1)
	go func() { ended <- ctl.Main(ctx, p) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address := <-opened
	if strings.TrimSpace(line) != address {
		t.Errorf("got %q printed and %q opened, want the same", line, address)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	b := newTab(t, u.Scheme+"://"+u.Host)
	b.expect("ERR_CONNECTION_REFUSED") // what the page still loads when the command ends
	b.open(u.RequestURI())
	b.sees("Overview")
	if got := b.path(); got != "/" {
		t.Errorf("got the page %s, want one whose address has no token", got)
	}
	cancel()
	if code := <-ended; code != exit.OK {
		t.Errorf("got exit code %d, want %d\n%s", code, exit.OK, said.String())
	}
}
