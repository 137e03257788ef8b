package start

import (
	"context"
	"fmt"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/follow"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/request"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// askAbove is how many items may be started without a question.
const askAbove = 100

// interactive reports whether a person can answer. Standard input cannot have both ids and answers.
func interactive(f *factory.Factory, o *request.Flags) bool {
	return f.Process.Terminal.In && f.Process.Terminal.Err && !o.ReadsInput()
}

// askFor asks a person for the reason that was not given. A dry run needs none.
func askFor(ctx context.Context, f *factory.Factory, reason *string, dryRun, interactive bool) (err error) {
	switch {
	case strings.TrimSpace(*reason) != "":
		return nil
	case dryRun:
		*reason = "dry run"
		return nil
	case !interactive:
		return exit.Usagef(`--reason is required: say why; the text is stored with the replay and sent with every event`)
	}
	*reason, err = f.Ask(ctx, "Why? The reason is stored with the replay and sent with every event:")
	if err == nil && *reason == "" {
		return exit.Usagef("--reason is required")
	}
	return err
}

// confirm asks before more than a few items are started. How many there are is found out by a dry run, unless the
// request itself says that they are few.
func confirm(ctx context.Context, f *factory.Factory, api *client.Client, r request.Request, o *request.Flags) error {
	if o.Yes || r.Few(askAbove) {
		return nil
	}
	f.Say("%s", f.PaintErr(output.Dim, "counting the items (--yes skips this)"))
	plans, err := plan(ctx, f, api, r.Dry(), "")
	if err != nil {
		return err
	}
	sum := sumUp(plans)
	if sum.Items <= askAbove {
		return nil
	}
	f.Say("%s would %s, %d be skipped", follow.Items(sum.Items), startedBy(r.Typed.Action), sum.Skipped)
	if !interactive(f, o) {
		return &exit.Error{Code: exit.Usage, Err: fmt.Errorf("more than %d items need a confirmation, and standard input is not a terminal", askAbove),
			Do: []string{"--yes starts them without asking, --max-items limits them, --dry-run lists them"}}
	}
	answer, err := f.Ask(ctx, fmt.Sprintf("Start %s? [y/N]", follow.Items(sum.Items)))
	if err != nil {
		return err
	}
	if yes := strings.ToLower(answer); yes != "y" && yes != "yes" {
		return &exit.Error{Code: exit.General, Err: fmt.Errorf("nothing was started")}
	}
	return nil
}

func startedBy(action replay.Action) string {
	switch action {
	case replay.Republish:
		return "be sent again"
	case replay.Redrive:
		return "go on from the state that failed"
	}
	return "run again"
}
