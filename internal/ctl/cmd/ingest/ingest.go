// Package ingest is the command that sends events to an ingestion.
package ingest

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
)

type options struct {
	file   string
	prefix string
	rate   int
	wait   bool
}

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "ingest FILE|-",
		Short: "Send events to the state machine, as a producer does",
		Long: `Sends events to the ingestion's state machine with StartExecution, in the order of the file. FILE has one event as JSON, or
one per line; - is standard input. Your credentials need states:StartExecution, which the construct's GrantIngest allows,
and with --wait states:DescribeExecution and states:GetExecutionHistory.

An execution is named by a digest of its event. Step Functions keeps a name for 90 days, so sending a file twice is safe:
an event that was sent before is EXISTS, and is not started again. An event that a file has twice is sent once: the second
line is a DUPLICATE, and duplicateOf is the number of the first. With --name-prefix, the name also has the prefix and the
number of the line: each line is an execution of its own, and another prefix sends the file again.

A line that is not an event, or that Step Functions refuses, is INVALID, and its error says why. The others are sent. If
sending stops on an error, send the file again.

Standard output has a line for each line of the file, with its status: STARTED, EXISTS, DUPLICATE or INVALID. With --wait,
how the execution ended takes the place of STARTED, and recorded says whether the event log has the event. With EXISTS,
earlier says how the execution ended that was started before. That does not change the exit code: only executions that ended
while the command waited do.

The command remembers a digest of each line, about 100 bytes, to find duplicates. With --name-prefix it does not.`,
		Example: `  replayctl ingest event.json --wait
  replayctl ingest sales.jsonl --rate 50 -o jsonl > sent.jsonl
  jq -c '.[]' export.json | replayctl ingest - --name-prefix import-2026-11 --wait`,
		Args: factory.Arguments(1, "FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			o.file = args[0]
			return run(c.Context(), f, o)
		},
		ValidArgsFunction: factory.Files,
	}
	c.Flags().IntVar(&o.rate, "rate", 20, "at most `N` events per second; 0: no limit")
	c.Flags().StringVar(&o.prefix, "name-prefix", "", "start names with this `TEXT` and the number of the line")
	c.Flags().BoolVarP(&o.wait, "wait", "w", false, "wait until the executions have ended")
	return c
}

// names are characters that the name of an execution may have. Those of replays begin with the reserved prefixes.
var (
	names    = regexp.MustCompile(`^[0-9A-Za-z_-]{1,24}$`)
	reserved = []string{"rp-", "ar-", "rs-"}
)

func (o options) check() error {
	if o.rate < 0 || o.rate > 1_000 {
		return exit.Usagef("--rate must be a whole number from 0 to 1000, got %d", o.rate)
	}
	if o.prefix == "" {
		return nil
	}
	if !names.MatchString(o.prefix) {
		return exit.Usagef("--name-prefix must have 1 to 24 letters, digits, - and _, got %q", o.prefix)
	}
	for _, r := range reserved {
		if strings.HasPrefix(o.prefix, r) {
			return exit.Usagef("--name-prefix must not begin with %s, which names replays, got %q", r, o.prefix)
		}
	}
	return nil
}

func run(ctx context.Context, f *factory.Factory, o options) error {
	if err := o.check(); err != nil {
		return err
	}
	file, err := f.Process.Open("FILE", o.file)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // read only
	target, err := f.Find(ctx)
	if err != nil {
		return err
	}
	if target.StateMachineARN == "" {
		return &exit.Error{Code: exit.Usage, Err: fmt.Errorf("only the URL of the API is known, and not the state machine"),
			Do: []string{"name the stack instead of the API: --stack"}}
	}
	cfg := target.AWS.Copy()
	cfg.Region = target.Region
	cfg.RetryMaxAttempts = 8 // StartExecution is throttled where others start executions too
	s := &sender{f: f, o: o, machine: target.StateMachineARN, states: sfn.NewFromConfig(cfg)}
	_, err = output.List(f.Printer, "events", columns(), s.results(ctx, file))
	if err == nil && len(s.count) == 0 {
		return &exit.Error{Code: exit.Usage, Err: fmt.Errorf("%s has no events", fileName(o.file)),
			Do: []string{"an event is a JSON object: write one to the file, or one per line"}}
	}
	s.sum()
	if err != nil {
		return s.stopped(ctx, err)
	}
	return exit.With(s.code())
}

func fileName(file string) string {
	if file == "-" {
		return "standard input"
	}
	return file
}

func columns() []output.Column[result] {
	return []output.Column[result]{
		{Title: "LINE", Right: true, Cell: func(r result) string { return fmt.Sprint(r.Line) }},
		{Title: "STATUS", Cell: func(r result) string { return r.status() }, Color: func(r result) output.Color { return color(r.Status) }},
		{Title: "RECORDED", Cell: func(r result) string { return r.recorded() }},
		{Title: "EXECUTION", Cell: func(r result) string { return r.Execution }},
		{Title: "ERROR", Flex: true, Cell: func(r result) string { return strings.TrimSuffix(r.Error+": "+factory.CauseText(r.Cause), ": ") }},
	}
}

func color(status string) output.Color {
	switch status {
	case succeeded:
		return output.Green
	case started, running:
		return output.Plain
	case exists, duplicate:
		return output.Yellow
	default:
		return output.Red
	}
}
