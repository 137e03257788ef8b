// Package demo tells what a ReplayableIngestion does, on a deployed stack of the example and with real events.
//
// Every figure that it reports is read back from Step Functions, S3, the ledger and the queues.
package demo

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/dev/report"
	"github.com/ce873799/replayable-ingestion/dev/sales"
)

// Options says where the demo reports to.
type Options struct {
	LogDir string    // of the functions
	Out    io.Writer // the story
	Report string    // file of the figures, as JSON

	// Stack is a file that says where the stack is, as build/local.json does. If it is set, the story ends with what needs a
	// person, and the console.
	Stack string
}

// listings are sales of King County, Washington (public records, CC0), in date order. Among them are all events of 24
// listings that were sold more than once.
//
//go:embed testdata/listings.jsonl
var listings string

type demo struct {
	*observe.System
	out     io.Writer
	logDir  string
	topics  *sns.Client
	events  []sales.Sale
	started time.Time

	priceMapURL string // of the queue of the service that joins
	stackFile   string // of Options
}

// Run tells the story, writes the report and returns an error if anything was lost or did not come out as told.
func Run(ctx context.Context, system *observe.System, opts Options) error {
	d := &demo{
		System: system, out: opts.Out, logDir: opts.LogDir, started: time.Now(), topics: sns.NewFromConfig(system.AWSConfig),
		stackFile: opts.Stack,
	}
	var err error
	if d.events, err = sales.Parse(strings.NewReader(listings), 0); err != nil {
		return err
	}
	if d.stackFile != "" {
		return d.tell(ctx, d.quiet, d.outage, d.recovery, d.heal, d.console)
	}
	if err := d.tell(ctx,
		d.quiet, d.outage, d.recovery, d.heal, // what happens by itself
		d.again, d.join, d.correct, d.backfill, d.inOrder, d.tooMuch, // what people ask for
	); err != nil {
		return err
	}
	figures, err := d.figures(ctx)
	if err != nil {
		return err
	}
	d.printTable(figures)
	if err := d.printMetrics(figures); err != nil {
		return err
	}
	if err := report.Write(opts.Report, figures); err != nil {
		return err
	}
	d.say("\nTo heal this outage yourself, in the browser: make demo ARGS=--console")
	return figures.check()
}

func (d *demo) say(format string, args ...any) { _, _ = fmt.Fprintf(d.out, format+"\n", args...) }

// chapter starts a part of the story.
func (d *demo) chapter(title string) {
	d.say("\n%s\n%s", title, strings.Repeat("─", len([]rune(title))))
}

// until waits until a question is answered with true.
func until(ctx context.Context, limit time.Duration, what string, done func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return observe.Eventually(ctx, 500*time.Millisecond, what, done)
}
