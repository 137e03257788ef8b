// Package report is the command that makes a page for a postmortem of the evidence of a replay.
package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/follow"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

type options struct {
	verify bool
}

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "report [REPLAY]",
		Short: "Write a page for a postmortem: of the newest replay, or the one that is named",
		Long: `Writes a page in Markdown about a replay that has ended, for a postmortem: who ran what and why, how it ended, and failures
before and after. It is made of the evidence that the replay wrote at its end, which never changes; -o json shows that.

With --verify, it reads the items of the replay instead, and compares their digest with that of the evidence. The exit code is 1 if
they differ.`,
		Example: `  replayctl report 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D > postmortem.md
  replayctl report 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D --verify`,
		Args:              factory.Arguments(0, "REPLAY"),
		RunE:              func(c *cobra.Command, args []string) error { return run(c.Context(), f, o, args) },
		ValidArgsFunction: f.Complete().Replays,
	}
	c.Flags().BoolVar(&o.verify, "verify", false, "read the items and compare their digest with that of the evidence")
	return c
}

func run(ctx context.Context, f *factory.Factory, o options, args []string) error {
	api, err := f.Client(ctx)
	if err != nil {
		return err
	}
	id, err := follow.Newest(ctx, f, api, args)
	if err != nil {
		return err
	}
	r, err := api.Replays.Get(ctx, id)
	if err != nil {
		return follow.NoReplay(f, err, id)
	}
	switch {
	case r.DryRun:
		return &exit.Error{Code: exit.Refused, Err: fmt.Errorf("replay %s is a dry run, which has no evidence", id),
			Do: []string{f.Hint("status " + id)}}
	case !r.Status.Final():
		return &exit.Error{Code: exit.Refused, Err: fmt.Errorf("replay %s is %s: its evidence is written when it has ended", id, r.Status),
			Do: []string{f.Hint("status " + id + " --wait")}}
	}
	e, err := written(ctx, f, api, id)
	if err != nil {
		return err
	}
	if o.verify {
		return verify(ctx, f, api, e)
	}
	return f.Printer.Value(e, func(w io.Writer) error {
		_, err := io.WriteString(w, page(f, e))
		return err
	})
}

const (
	evidencePoll = 2 * time.Second
	// evidenceFor is how long evidence is waited for: that of a million items takes some minutes.
	evidenceFor = 10 * time.Minute
)

// written waits until the evidence of a replay is written.
func written(ctx context.Context, f *factory.Factory, api *client.Client, id string) (e replay.Evidence, err error) {
	for waited := time.Duration(0); ; waited += evidencePoll {
		e, err = api.Replays.GetEvidence(ctx, id)
		var refused *client.RefusedError
		if !errors.As(err, &refused) || refused.Status != http.StatusConflict {
			return e, err
		}
		if waited == 0 {
			f.Say("%s", f.PaintErr(output.Dim, "waiting for the evidence to be written"))
		}
		if waited >= evidenceFor {
			return e, &exit.Error{Code: exit.Unreachable, Err: fmt.Errorf("the evidence of replay %s was not written within %s", id, evidenceFor),
				Do: []string{"it is written within the next runs of auto-replay: " + f.Hint("report "+id)}}
		}
		if err := f.Sleep(ctx, evidencePoll); err != nil {
			return e, exit.ErrInterrupted
		}
	}
}

// Verified is what --verify found out.
type Verified struct {
	ReplayID string `json:"replayId"`
	Items    int    `json:"items"`
	Digest   string `json:"digest"` // of the items
	Evidence string `json:"evidence"`
	Same     bool   `json:"same"`
}

// verify compares the items of a replay with its evidence. Items are read page by page, so that memory does not grow
// with them.
func verify(ctx context.Context, f *factory.Factory, api *client.Client, e replay.Evidence) error {
	digest := replay.NewItemsDigest()
	v := Verified{ReplayID: e.ReplayID, Evidence: e.Digest}
	for it, err := range api.Replays.ListItems(ctx, e.ReplayID, "") {
		if err != nil {
			return err
		}
		digest.Add(it)
		v.Items++
	}
	v.Digest = digest.Sum()
	v.Same = v.Digest == e.Digest && v.Items == e.Items
	says, color := "the items are those of the evidence", output.Green
	if !v.Same {
		says, color = fmt.Sprintf("the items differ from the evidence, which covers %s", follow.Items(e.Items)), output.Red
	}
	err := f.Printer.Value(v, func(w io.Writer) error {
		return f.Printer.Fields(w,
			output.Field{Name: "replay", Value: v.ReplayID},
			output.Field{Name: "items", Value: fmt.Sprint(v.Items)},
			output.Field{Name: "digest", Value: v.Digest},
			output.Field{Name: "evidence", Value: v.Evidence},
			output.Field{Name: "verdict", Value: says, Color: color},
		)
	})
	if err == nil && !v.Same {
		return exit.With(exit.General)
	}
	return err
}
