package ctl

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// askAbove is how many items may be started without a question.
const askAbove = 100

// interactive reports whether there is somebody to ask. Ids that come on standard input leave nothing to answer with.
func (a *app) interactive(o *order) bool {
	return a.p.Terminal.In && a.p.Terminal.Err && o.file != "-" && o.mergePatch != "@-" && o.jsonPatch != "@-"
}

// question asks for a line.
func (a *app) question(ctx context.Context, text string) (string, error) {
	_, _ = fmt.Fprint(a.p.Err, a.paintErr(output.Bold, text)+" ")
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() { // cannot be interrupted: it is left behind, and ends with the process
		text, err := bufio.NewReader(a.p.In).ReadString('\n')
		read <- line{text, err}
	}()
	select {
	case l := <-read:
		if l.err != nil && l.text == "" {
			a.say("")
			return "", &Error{Code: ExitError, Err: fmt.Errorf("no answer: nothing was started")}
		}
		return strings.TrimSpace(l.text), nil
	case <-ctx.Done():
		a.say("")
		return "", &Error{Code: ExitInterrupted, Err: fmt.Errorf("interrupted: nothing was started")}
	}
}

func (a *app) askReason(ctx context.Context, o *order) (err error) {
	switch {
	case strings.TrimSpace(o.reason) != "":
		return nil
	case o.dryRun:
		o.reason = "dry run" // nobody needs to know why
		return nil
	case !a.interactive(o):
		return usage(`--reason is required: say why, the text is kept with the replay and sent with every event`)
	}
	o.reason, err = a.question(ctx, "Why? The reason is kept with the replay and sent with every event:")
	if err == nil && o.reason == "" {
		return usage("--reason is required")
	}
	return err
}

// confirm asks before more than a few items are started. How many there are is found out by a dry run, unless the request
// itself says that they are few.
func (a *app) confirm(ctx context.Context, api *client.Client, r request, o *order) error {
	if o.yes || r.few() {
		return nil
	}
	a.say("%s", a.paintErr(output.Dim, "finding out how many items that is (--yes skips this)"))
	plans, err := a.plan(ctx, api, r.dry(), "")
	if err != nil {
		return err
	}
	sum := sumUp(plans)
	if sum.Items <= askAbove {
		return nil
	}
	a.say("%s would %s, %d be skipped", itemCount(sum.Items), startedBy(r.typed.Action), sum.Skipped)
	if !a.interactive(o) {
		return &Error{Code: ExitUsage, Err: fmt.Errorf("more than %d items need a yes, and there is nobody to ask", askAbove),
			Do: []string{"--yes starts them all the same, --max-items sets a bound, --dry-run shows which they are"}}
	}
	answer, err := a.question(ctx, fmt.Sprintf("Start %s? [y/N]", itemCount(sum.Items)))
	if err != nil {
		return err
	}
	if yes := strings.ToLower(answer); yes != "y" && yes != "yes" {
		return &Error{Code: ExitError, Err: fmt.Errorf("nothing was started")}
	}
	return nil
}

func startedBy(action replay.Action) string {
	if action == replay.Republish {
		return "be sent again"
	}
	return "run again"
}

func itemCount(n int) string {
	if n == 1 {
		return "1 item"
	}
	return fmt.Sprintf("%d items", n)
}
