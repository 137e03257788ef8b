package ctl

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/doctor"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

func (a *app) doctorCommand() *cobra.Command {
	var skip []string
	var strict bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check that the pieces of an ingestion are there and wired",
		Long: `Looks at the pieces that the stack's manifest names, and says of each whether it is there and wired, and if not, what to do:
your credentials, clock and permissions, the state machines and functions, rules, queues, schedule, event log, ledger,
topic, alarms and keys. It changes nothing, and starts nothing.

  pass     as it should be
  skipped  does not apply here
  unknown  could not be looked at: you may not, or no answer came. That is no pass
  warn     works, and somebody should know
  fail     does not work, or data is in danger; the command ends with 1

To look at everything takes permission to describe and to list; without it, checks are unknown. The remedy names the action.`,
		Example: `  replayctl doctor
  replayctl doctor --stack listings-prod --skip alarm --skip "api.POST /replays"
  replayctl doctor -o jsonl | jq -r 'select(.status == "fail") | .check'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.doctor(c.Context(), skip, strict) },
	}
	c.Flags().StringArrayVar(&skip, "skip", nil, "leave out this `CHECK`, or all that begin with it up to a dot; may be repeated")
	c.Flags().BoolVar(&strict, "strict", false, "end with 1 also if something is warn or unknown")
	return c
}

func (a *app) doctor(ctx context.Context, skip []string, strict bool) error {
	t, err := a.find(ctx)
	if err != nil {
		return err
	}
	clock := &doctor.Clock{Base: a.p.Transport, Now: a.p.Now}
	api, err := a.connect(*t, client.Config{Transport: clock, Attempts: 2})
	if err != nil {
		return err
	}
	if a.p.Terminal.Err {
		a.say("%s", a.paintErr(output.Dim, "looking at "+output.Printable(cmpPath(t.Path, t.APIURL))))
	}
	found := doctor.Examine(ctx, doctor.Patient{Ingestion: t.Ingestion, AWS: t.AWS, API: api, Clock: clock}, skip)
	if ctx.Err() != nil {
		return errInterrupted
	}
	columns := []output.Column[doctor.Finding]{
		{Title: "STATUS", Cell: func(f doctor.Finding) string { return string(f.Status) }, Color: func(f doctor.Finding) output.Color { return findingColor(f.Status) }},
		{Title: "CHECK", Cell: func(f doctor.Finding) string { return f.Check }},
		{Title: "FOUND", Flex: true, Cell: func(f doctor.Finding) string { return f.Detail }},
	}
	if _, err := output.List(a.out, "checks", columns, sequence(found)); err != nil {
		return err
	}
	if a.out.Format == output.Table {
		if err := a.remedies(a.out.Out, found); err != nil {
			return err
		}
	}
	return a.diagnosis(found, strict)
}

func cmpPath(path, url string) string {
	if path == "" {
		return url
	}
	return path
}

// remedies says what to do about what is not as it should be, the worst first.
func (a *app) remedies(w io.Writer, found []doctor.Finding) error {
	for _, status := range []doctor.Status{doctor.Fail, doctor.Warn, doctor.Unknown} {
		for _, f := range found {
			if f.Status != status {
				continue
			}
			lines := []string{"", a.out.Paint(findingColor(status), string(status)) + " " + a.out.Paint(output.Bold, f.Check) + ": " + output.Printable(f.Detail)}
			for _, step := range f.Remedy {
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
func (a *app) diagnosis(found []doctor.Finding, strict bool) error {
	count := map[doctor.Status]int{}
	for _, f := range found {
		count[f.Status]++
	}
	var parts []string
	for _, s := range doctor.Statuses() {
		if count[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[s], s))
		}
	}
	a.say("%s: %s", plural(len(found), "check"), strings.Join(parts, ", "))
	if count[doctor.Fail] > 0 || strict && count[doctor.Warn]+count[doctor.Unknown] > 0 {
		return &Error{Code: ExitError}
	}
	return nil
}

func findingColor(s doctor.Status) output.Color {
	switch s {
	case doctor.Pass:
		return output.Green
	case doctor.Fail:
		return output.Red
	case doctor.Warn, doctor.Unknown:
		return output.Yellow
	default:
		return output.Dim
	}
}
