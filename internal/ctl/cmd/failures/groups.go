package failures

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
)

// groups counts failures by what they share: as the API does, unless only some of a group are meant.
func groups(ctx context.Context, f *factory.Factory, q *query) error {
	paused := autoReplayPaused(ctx, f)
	found, err := q.groups(ctx, f)
	if err != nil {
		return err
	}
	if err := factory.Show(f, "groups", groupColumns(f), factory.Sequence(found.Groups), q.none()); err != nil {
		return err
	}
	if f.Printer.Format != output.Table {
		return nil
	}
	if found.Others > 0 {
		f.Say("and %s of other errors", factory.Plural(found.Others, "failure"))
	}
	if found.Partial {
		f.Say("there are more: they are counted with the next run of auto-replay")
	} else if f.Moment.Sub(found.CountedAt) > time.Minute {
		f.Say("counted at %s", f.Printer.Time(&found.CountedAt))
	}
	if n := found.NotTakenIn; n != nil && *n > 0 {
		next := ", by default within 5 minutes"
		if f.IsLocal() { // replaydev has it run every 10 seconds, and `make local` as the stack says
			next = ""
		}
		f.Say("about %s not taken in yet: auto-replay lists them with its next run%s", factory.Plural(*n, "failure"), next)
	}
	if paused != nil {
		f.Say("automatic replays are paused: %s", paused.Reason)
	}
	if len(found.Groups) > 0 && f.Process.Terminal.Err {
		f.Say("%s", f.PaintErr(output.Dim, "`"+f.Hint("failures --detail")+"` lists each one in quarantine"))
	}
	return nil
}

// autoReplayPaused says why nothing is retried automatically, nil if it is, or if that is not known: groups are shown
// all the same.
func autoReplayPaused(ctx context.Context, f *factory.Factory) *replay.Pause {
	api, err := f.Client(ctx)
	if err != nil || f.Printer.Format != output.Table {
		return nil
	}
	c, err := api.Controls.Get(ctx)
	if err != nil {
		return nil
	}
	return c.AutoReplay.Paused
}

func (q *query) groups(ctx context.Context, f *factory.Factory) (found replay.FailureGroups, err error) {
	api, err := f.Client(ctx)
	if err != nil {
		return found, err
	}
	if q.narrowed() || strings.EqualFold(q.status, string(replay.FailureClosed)) {
		all, err := q.find(ctx, f, api, replay.FailureQuarantined, replay.FailureWaiting, replay.FailureHeld, replay.FailureRetrying)
		if err != nil {
			return found, err
		}
		found.CountedAt = f.Moment
		found.Groups, err = group(all)
		return found, err
	}
	status, err := factory.OneOf("--status", q.status, replay.FailureStatuses())
	if err != nil {
		return found, err
	}
	for flag, glob := range map[string]string{"--error": q.error, "--state": q.state} {
		if _, err := path.Match(glob, ""); err != nil {
			return found, exit.Usagef("%s must be a name or a glob such as 'Geocoder*', got %q", flag, glob)
		}
	}
	if found, err = api.Failures.GetGroups(ctx); err != nil {
		return found, err
	}
	matches := func(glob, name string) bool {
		match, err := path.Match(glob, name)
		return glob == "" || match && err == nil
	}
	found.Groups = slices.DeleteFunc(found.Groups, func(g replay.FailureGroup) bool {
		return status != "" && g.Status != status || !matches(q.error, g.Error) || !matches(q.state, g.State)
	})
	return found, nil
}

// group counts failures, the largest group first. It keeps one failure of each, however many there are.
func group(all iter.Seq2[replay.Failure, error]) (found []replay.FailureGroup, err error) {
	type name struct {
		status       replay.FailureStatus
		error, state string
	}
	places := map[name]int{}
	for f, err := range all {
		if err != nil {
			return nil, err
		}
		i, known := places[name{f.Status, f.Error, f.State}]
		if !known {
			i = len(found)
			places[name{f.Status, f.Error, f.State}] = i
			found = append(found, replay.FailureGroup{
				Status: f.Status, Error: f.Error, State: f.State, FirstAt: f.FailedAt, LastAt: f.FailedAt, NextAt: f.NextAt, Sample: &f,
			})
		}
		g := &found[i]
		g.Count++
		if f.FailedAt.Before(g.FirstAt) {
			g.FirstAt = f.FailedAt
		}
		if f.FailedAt.After(g.LastAt) {
			g.LastAt, g.Sample = f.FailedAt, &f
		}
	}
	slices.SortFunc(found, func(a, b replay.FailureGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), b.LastAt.Compare(a.LastAt), cmp.Compare(a.Error, b.Error))
	})
	return found, nil
}

func groupColumns(f *factory.Factory) []output.Column[replay.FailureGroup] {
	type group = replay.FailureGroup
	sample := func(of func(replay.Failure) string) func(group) string {
		return func(g group) string {
			if g.Sample == nil {
				return ""
			}
			return of(*g.Sample)
		}
	}
	return []output.Column[group]{
		{Title: "ERROR", Cell: func(g group) string { return g.Error }, Color: func(group) output.Color { return output.Red }},
		{Title: "STATE", Cell: func(g group) string { return g.State }},
		{Title: "STATUS", Cell: func(g group) string { return string(g.Status) }},
		{Title: "COUNT", Right: true, Cell: func(g group) string { return fmt.Sprint(g.Count) }},
		{Title: "TREND", Right: true, Cell: trend},
		{Title: "FIRST SEEN", Cell: func(g group) string { return f.Printer.Time(&g.FirstAt) }},
		{Title: "LAST SEEN", Cell: func(g group) string { return f.Printer.Time(&g.LastAt) }},
		{Title: "AGO", Right: true, Cell: func(g group) string { return f.Age(g.LastAt) }},
		{Title: "NEXT ATTEMPT", Cell: func(g group) string { return f.Printer.Time(g.NextAt) }},
		{Title: "LATEST RESOURCE", Cell: sample(subject)},
		{Title: "LATEST CAUSE", Flex: true, Cell: sample(func(f replay.Failure) string { return factory.CauseText(f.Cause) })},
	}
}

// subject is what failed: a resource, or the execution of an event whose resource is not known.
func subject(one replay.Failure) string {
	if one.ResourceID != "" {
		return one.ResourceID
	}
	return "none (execution " + one.Execution + ")"
}

// trend is how a count has changed, empty if that is not known.
func trend(g replay.FailureGroup) string {
	if g.Before == nil {
		return ""
	}
	return fmt.Sprintf("%+d", g.Count-*g.Before)
}
