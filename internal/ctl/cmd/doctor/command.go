package doctor

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	var skip []string
	var strict, all bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check that the parts of an ingestion exist and are connected",
		Long: `Checks every part that the stack's manifest names, and your credentials, clock and permissions. It checks state machines,
functions, rules, queues, the schedule, event log, ledger, topic, alarms and keys. For each fault it names a remedy. It
changes nothing and starts nothing.

  pass     is as expected
  skipped  does not apply here; with --local, what the emulator does not have
  unknown  could not be checked: access was denied, or no response came
  warn     works, but needs attention
  fail     does not work, or data is in danger; the command ends with 1

It needs permission to describe and list resources. Without one, the check is unknown, and its remedy names the action.`,
		Example: `  replayctl doctor
  replayctl doctor --stack listings-prod --skip alarm --skip "api.POST /replays"
  replayctl doctor -o jsonl | jq -r 'select(.status == "fail") | .check'`,
		Args: factory.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), f, skip, strict, all) },
	}
	c.Flags().StringArrayVar(&skip, "skip", nil, "skip this `CHECK`, or all that begin with it and a dot; may be repeated")
	c.Flags().BoolVar(&all, "all", false, "list each skipped check, not only their number (JSON always has them)")
	c.Flags().BoolVar(&strict, "strict", false, "exit with 1 also if a check is warn or unknown")
	return c
}

func run(ctx context.Context, f *factory.Factory, skip []string, strict, all bool) error {
	t, err := f.Find(ctx)
	if err != nil {
		return err
	}
	clock := &Clock{Base: f.Process.Transport, Now: f.Process.Now}
	api, err := f.Connect(*t, client.Config{Transport: clock, Attempts: 2})
	if err != nil {
		return err
	}
	if f.Process.Terminal.Err {
		f.Say("%s", f.PaintErr(output.Dim, "looking at "+output.Printable(cmpPath(t.Path, t.APIURL))))
	}
	found := Examine(ctx, Patient{Ingestion: t.Manifest, AWS: t.AWS, API: api, Clock: clock, Lacks: t.Lacks}, skip)
	if ctx.Err() != nil {
		return exit.ErrInterrupted
	}
	columns := []output.Column[Finding]{
		{Title: "STATUS", Cell: func(f Finding) string { return string(f.Status) }, Color: func(f Finding) output.Color { return findingColor(f.Status) }},
		{Title: "CHECK", Cell: func(f Finding) string { return f.Check }},
		{Title: "FOUND", Flex: true, Cell: func(f Finding) string { return f.Detail }},
	}
	shown := found
	if f.Printer.Format == output.Table && !all {
		shown = folded(found)
	}
	if _, err := output.List(f.Printer, "checks", columns, factory.Sequence(shown)); err != nil {
		return err
	}
	if f.Printer.Format == output.Table {
		if err := remedies(f, f.Printer.Out, found); err != nil {
			return err
		}
	}
	return diagnosis(f, found, strict)
}

// folded puts one line in the place of several skipped checks, so that the others can be seen.
func folded(found []Finding) []Finding {
	isSkipped := func(f Finding) bool { return f.Status == Skipped }
	shown := slices.DeleteFunc(slices.Clone(found), isSkipped)
	if n := len(found) - len(shown); n > 1 {
		return append(shown, Finding{Status: Skipped, Check: fmt.Sprintf("%d checks", n), Detail: "do not apply here: --all lists them"})
	}
	return found
}

func cmpPath(path, url string) string {
	if path == "" {
		return url
	}
	return path
}

// remedies says what to do about what is not as it should be, the worst first.
func remedies(f *factory.Factory, w io.Writer, found []Finding) error {
	for _, status := range []Status{Fail, Warn, Unknown} {
		for _, one := range found {
			if one.Status != status {
				continue
			}
			lines := []string{"", f.Printer.Paint(findingColor(status), string(status)) + " " + f.Printer.Paint(output.Bold, one.Check) + ": " + output.Printable(one.Detail)}
			for _, step := range one.Remedy {
				lines = append(lines, "  "+output.Printable(step))
			}
			if _, err := io.WriteString(w, strings.Join(lines, "\n")+"\n"); err != nil {
				return err
			}
		}
	}
	return nil
}

// diagnosis sums up, and chooses the exit code.
func diagnosis(f *factory.Factory, found []Finding, strict bool) error {
	count := map[Status]int{}
	for _, f := range found {
		count[f.Status]++
	}
	var parts []string
	for _, s := range Statuses() {
		if count[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[s], s))
		}
	}
	f.Say("%s: %s", factory.Plural(len(found), "check"), strings.Join(parts, ", "))
	if count[Fail] > 0 || strict && count[Warn]+count[Unknown] > 0 {
		return exit.With(exit.General)
	}
	return nil
}

func findingColor(s Status) output.Color {
	switch s {
	case Pass:
		return output.Green
	case Fail:
		return output.Red
	case Warn, Unknown:
		return output.Yellow
	default:
		return output.Dim
	}
}
