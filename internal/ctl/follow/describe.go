package follow

import (
	"fmt"
	"io"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/flagname"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Describe says how a replay stands.
func Describe(f *factory.Factory, w io.Writer, r replay.Replay) error {
	fields := []output.Field{
		{Name: "replay", Value: r.ReplayID},
		{Name: "status", Value: string(r.Status), Color: StatusColor(r.Summary)},
		{Name: "action", Value: action(r)},
		{Name: "reason", Value: r.Reason},
		{Name: "asked by", Value: r.RequestedBy},
		{Name: "created", Value: f.Printer.Time(&r.CreatedAt)},
		{Name: "completed", Value: completed(f, r)},
		{Name: "items", Value: itemsOf(r)},
		{Name: "plan", Value: r.PlanID},
		{Name: "applied by", Value: r.AppliedBy},
	}
	if r.Looked > 0 {
		fields = append(fields, output.Field{Name: "looked at", Value: fmt.Sprintf("%d events, for --where or --outcome", r.Looked)})
	}
	if r.MaxPerSecond > 0 {
		fields = append(fields, output.Field{Name: "pace", Value: fmt.Sprintf("%d starts per second at most", r.MaxPerSecond)})
	}
	if p := r.Paused; p != nil {
		fields = append(fields, output.Field{Name: "paused", Value: PauseText(f, *p), Color: output.Yellow})
	} else if s := r.Resumed; s != nil {
		fields = append(fields, output.Field{Name: "resumed", Value: fmt.Sprintf("at %s (%s)", f.Printer.Time(&s.At), s.By)})
	}
	if r.Truncated {
		fields = append(fields, output.Field{Name: "truncated", Value: "the selection has more than --max-items", Color: output.Yellow})
	}
	if s := r.Stopped; s != nil {
		text := fmt.Sprintf("%s at %s: %s", s.Status, f.Printer.Time(&s.At), flagname.In(s.Reason))
		if s.By != "" {
			text += " (" + s.By + ")"
		}
		fields = append(fields, output.Field{Name: "stopped", Value: text, Color: output.Yellow})
	}
	return f.Printer.Fields(w, fields...)
}

// PauseText says since when something is paused, by whom and why.
func PauseText(f *factory.Factory, p replay.Pause) string {
	text := fmt.Sprintf("paused at %s: %s", f.Printer.Time(&p.At), p.Reason)
	if p.By != "" {
		text += " (" + p.By + ")"
	}
	return text
}

func action(r replay.Replay) string {
	if r.DryRun {
		return string(r.Action) + ", dry run"
	}
	return string(r.Action)
}

func completed(f *factory.Factory, r replay.Replay) string {
	if r.CompletedAt == nil {
		return ""
	}
	return fmt.Sprintf("%s (took %s)", f.Printer.Time(r.CompletedAt), r.CompletedAt.Sub(r.CreatedAt).Round(100*time.Millisecond))
}

func itemsOf(r replay.Replay) string {
	c := r.Counts
	if r.DryRun {
		return fmt.Sprintf("%d matched, %d to be skipped", c.Matched, c.Skipped)
	}
	return fmt.Sprintf("%d matched, %d started, %d succeeded, %d failed, %d skipped", c.Matched, c.Started, c.Succeeded, c.Failed, c.Skipped)
}

// StatusColor is green for what went well, red for what needs a look, yellow for what was stopped, none for what runs.
func StatusColor(s replay.Summary) output.Color {
	switch {
	case s.Status == replay.Halted, s.Status.Final() && s.Counts.Failed > 0:
		return output.Red
	case s.Status == replay.Cancelled, s.Status == replay.Paused:
		return output.Yellow
	case s.Status.Final():
		return output.Green
	default:
		return output.Plain
	}
}

// OutcomeColor is that of an item's outcome.
func OutcomeColor(o replay.Outcome) output.Color {
	switch o {
	case replay.Succeeded, replay.WouldRun:
		return output.Green
	case replay.Failed:
		return output.Red
	case replay.Skipped:
		return output.Yellow
	default:
		return output.Plain
	}
}

// Why is why an item ended as it did, or why running it may not be meant.
func Why(i replay.Item) string {
	if i.Warning != "" {
		return "warning: " + i.Warning
	}
	return flagname.In(i.Reason)
}

// Items counts items, such as "1 item" and "2 items".
func Items(n int) string {
	if n == 1 {
		return "1 item"
	}
	return fmt.Sprintf("%d items", n)
}
