// Package console is the command that serves the web console on this machine.
package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/console"
	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
)

// DefaultPort is fixed, so that the address of a page is the same for everybody who runs the console.
const DefaultPort = 8477

type options struct {
	port       int
	readOnly   bool
	production bool
	payloads   string
	noOpen     bool
}

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "console",
		Short: "Show failures and replay them in the browser, from this machine",
		Long: `Serves a web console on 127.0.0.1 until you press Ctrl-C, and opens it in the browser. It shows what failed and why, the
history of a resource and what changed in it; it plans, starts, follows and cancels replays. Each page shows the replayctl
command that does the same.

It calls the replay API with your AWS credentials, which never reach the browser. The printed address has a token that lets
one browser in, once. Addresses of pages can be shared with other people who run the console on the same port.

In a stack with a part "prod" or "production" in its name, each change asks for the name of the stack; --production asks in
any stack.`,
		Example: `  replayctl console
  replayctl console --stack listings-prod --read-only
  replayctl console --payloads masked --port 9000
  replayctl console --local`,
		Args:              factory.NoArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, _ []string) error { return run(c.Context(), f, o) },
	}
	set := c.Flags()
	set.IntVar(&o.port, "port", DefaultPort, "`PORT` to listen on; 0: one that is free")
	set.BoolVar(&o.readOnly, "read-only", false, "refuse every change")
	set.StringVar(&o.payloads, "payloads", string(console.PayloadsFull), "what is shown of events: `none|masked|full`; masked shows names and types without values")
	set.BoolVar(&o.production, "production", false, "ask for the name of the stack before each change")
	set.BoolVar(&o.noOpen, "no-open", false, "do not open the browser")
	factory.Complete(c, "payloads", factory.Texts(console.PayloadModes())...)
	return c
}

func run(ctx context.Context, f *factory.Factory, o options) error {
	payloads, err := factory.OneOf("--payloads", o.payloads, console.PayloadModes())
	if err != nil {
		return err
	}
	if o.port < 0 || o.port > 65535 {
		return exit.Usagef("--port must be from 1 to 65535, or 0 for one that is free, got %d", o.port)
	}
	pages, err := build(ctx, f, o, payloads)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(context.WithoutCancel(ctx), "tcp4", fmt.Sprintf("127.0.0.1:%d", o.port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return exit.Usagef("port %d is in use, maybe by another console: end that one, or choose another port with --port; --port 0 takes one that is free", o.port)
	}
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	address := "http://" + listener.Addr().String() + pages.Login()
	if err := f.Printer.Value(map[string]string{"url": address}, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, address)
		return err
	}); err != nil {
		_ = listener.Close() // nobody can come
		return err
	}
	if !o.noOpen && f.Process.Browse != nil {
		if err := f.Process.Browse(ctx, address); err != nil {
			f.Say("the browser could not be opened (%v): open the address above in it", err)
		}
	}
	f.Say("the address lets one browser in, once; Ctrl-C ends the console")
	return serve(ctx, listener, pages)
}

// Limits of the server. A page makes a few calls of the API.
const (
	headerTime = 5 * time.Second
	readTime   = 30 * time.Second
	writeTime  = 90 * time.Second
	idleTime   = 2 * time.Minute
	maxHeader  = 64 << 10
	closeTime  = 5 * time.Second // for pages that are being read when Ctrl-C comes
)

// serve answers until ctx ends, which is how a console is to end.
func serve(ctx context.Context, l net.Listener, pages http.Handler) error {
	server := &http.Server{
		Handler: pages, ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader,
		BaseContext:    func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve the console: %w", err)
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	if err := server.Shutdown(closing); err != nil {
		_ = server.Close() // a page took too long
	}
	return nil
}
