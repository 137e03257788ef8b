package failures

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/when"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// change closes or reopens failures.
type change struct {
	action      replay.FailureAction
	query       query
	reason, key string
	dryRun, yes bool
}

func changeCommand(f *factory.Factory, action replay.FailureAction) *cobra.Command {
	o := &change{action: action}
	c := &cobra.Command{
		Use:  string(action),
		Args: factory.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context(), f) },
	}
	if action == replay.CloseFailures {
		c.Short = "Close failures that nobody has to do anything about"
		c.Long = `Closes what the flags select: of the quarantine, or with --status WAITING or HELD of what auto-replay would retry. It
closes what is there when the command asks, and nothing that comes later. What is closed leaves the lists and the counts,
and stays in the history of its resource, with who closed it and why. replayctl failures reopen takes it back.

Before it closes more than 100 failures, the command asks, unless --yes is given.

A TIME is ` + when.Help + `.`
		c.Example = `  replayctl failures close --superseded --reason "newer events have succeeded"
  replayctl failures close --error InvalidListing --until 1d --reason "the agency sent them again"
  replayctl failures close --resource L-1 --reason "a test listing" --dry-run`
	} else {
		c.Short = "Put failures that were closed into the quarantine again"
		c.Long = `Puts failures that replayctl failures close has closed into the quarantine again: those of a job, whose id it printed, or
those that the other flags select. replayctl failures jobs lists the jobs.

A TIME is ` + when.Help + `.`
		c.Example = `  replayctl failures reopen --job 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D --reason "that was too many"
  replayctl failures reopen --resource L-1 --reason "it is sold after all"`
		c.Flags().StringVar(&o.query.job, "job", "", "only what the job with this `ID` has closed")
	}
	c.Flags().SortFlags = false
	o.query.addFlags(f, c)
	if action == replay.ReopenFailures { // all are CLOSED
		for _, name := range []string{"status", "superseded"} {
			if err := c.Flags().MarkHidden(name); err != nil {
				panic(err) // there is no such flag
			}
		}
	}
	c.Flags().StringVarP(&o.reason, "reason", "r", "", "why: a `TEXT` that is kept with the failures")
	c.Flags().BoolVarP(&o.dryRun, "dry-run", "n", false, "only count them")
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask, whatever their number")
	c.Flags().StringVar(&o.key, "idempotency-key", "", "the same `KEY` with the same command is the same job (default: random)")
	return c
}

// closeAbove is how many failures may be changed without a question.
const closeAbove = 100

func (o *change) run(ctx context.Context, f *factory.Factory) error {
	request, err := o.request(f)
	if err != nil {
		return err
	}
	api, err := f.Client(ctx)
	if err != nil {
		return err
	}
	if !o.yes || o.dryRun {
		dry := request
		dry.DryRun = true
		job, err := o.do(ctx, f, api, "", dry)
		if err != nil {
			return err
		}
		if o.dryRun {
			return o.show(f, job)
		}
		if err := o.confirm(ctx, f, job.Count); err != nil {
			return err
		}
	}
	job, err := o.do(ctx, f, api, o.key, request)
	if err != nil {
		return err
	}
	return o.show(f, job)
}

func (o *change) request(f *factory.Factory) (r replay.FailureJobRequest, err error) {
	q := o.query
	if len(q.resources) > 1 {
		return r, exit.Usagef("--resource may be given once here")
	}
	status, err := factory.OneOf("--status", q.status, replay.FailureStatuses())
	if err != nil {
		return r, err
	}
	from, to, err := f.Times(q.since, q.until)
	if err != nil {
		return r, err
	}
	r = replay.FailureJobRequest{Reason: o.reason, Select: replay.FailureQuery{
		Status: status, Error: q.error, State: q.state, Cause: q.cause, OwnerID: q.owner, JobID: q.job, Superseded: q.superseded,
		Since: from, Until: to,
	}}
	if len(q.resources) > 0 {
		r.Select.ResourceID = q.resources[0]
	}
	if r.Select == (replay.FailureQuery{}) {
		return r, exit.Usagef("say which failures are meant, such as with --error, --resource or --status QUARANTINED for all in quarantine")
	}
	if strings.TrimSpace(r.Reason) == "" {
		if !o.dryRun {
			return r, exit.Usagef("--reason is required: say why; the text is kept with the failures")
		}
		r.Reason = "dry run"
	}
	return r, nil
}

// pollEvery is how long a job is left alone: it changes thousands of failures within seconds.
const pollEvery = time.Second

// do begins a job and waits for its end.
func (o *change) do(
	ctx context.Context, f *factory.Factory, api *client.Client, key string, request replay.FailureJobRequest,
) (replay.FailureJob, error) {
	job, err := api.Failures.CreateJob(ctx, o.action, key, request)
	for err == nil && job.Status != replay.Completed {
		if err = f.Sleep(ctx, pollEvery); err == nil {
			job, err = api.Failures.GetJob(ctx, job.JobID)
		}
	}
	return job, err
}

func (o *change) confirm(ctx context.Context, f *factory.Factory, n int) error {
	if n <= closeAbove {
		return nil
	}
	if !f.Process.Terminal.In || !f.Process.Terminal.Err {
		return &exit.Error{Code: exit.Usage, Err: fmt.Errorf("%d failures would be changed: more than %d need a yes, and standard input is not a terminal", n, closeAbove),
			Do: []string{"--yes changes them without asking, --dry-run counts them"}}
	}
	answer, err := f.Ask(ctx, fmt.Sprintf("%s %s? [y/N]", title(o.action), factory.Plural(n, "failure")))
	if err != nil {
		return err
	}
	if yes := strings.ToLower(answer); yes != "y" && yes != "yes" {
		return &exit.Error{Code: exit.General, Err: fmt.Errorf("nothing was changed")}
	}
	return nil
}

func title(action replay.FailureAction) string {
	if action == replay.ReopenFailures {
		return "Reopen"
	}
	return "Close"
}

func (o *change) show(f *factory.Factory, job replay.FailureJob) error {
	return factory.Show(f, "jobs", jobColumns(f), factory.Sequence([]replay.FailureJob{job}), "")
}

func jobsCommand(f *factory.Factory) *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:   "jobs",
		Short: "List who closed and reopened failures, newest first",
		Long:  `Lists the jobs that replayctl failures close and reopen began. They are kept for good.`,
		Example: `  replayctl failures jobs
  replayctl failures jobs --limit 0 -o jsonl | jq -r 'select(.dryRun | not) | [.createdAt, .requestedBy, .reason, .count] | @tsv'`,
		Args: factory.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			api, err := f.Client(c.Context())
			if err != nil {
				return err
			}
			return factory.Show(f, "jobs", jobColumns(f), factory.First(api.Failures.ListJobs(c.Context()), limit), "no failures were closed or reopened")
		},
	}
	factory.AddLimit(c, &limit, 25, "", "jobs")
	return c
}

func jobColumns(f *factory.Factory) []output.Column[replay.FailureJob] {
	return []output.Column[replay.FailureJob]{
		{Title: "JOB", Cell: func(j replay.FailureJob) string { return j.JobID }},
		{Title: "ACTION", Cell: func(j replay.FailureJob) string {
			if j.DryRun {
				return string(j.Action) + ", dry run"
			}
			return string(j.Action)
		}},
		{Title: "STATUS", Cell: func(j replay.FailureJob) string { return string(j.Status) }},
		{Title: "COUNT", Right: true, Cell: func(j replay.FailureJob) string { return fmt.Sprint(j.Count) }},
		{Title: "CREATED", Cell: func(j replay.FailureJob) string { return f.Printer.Time(&j.CreatedAt) }},
		{Title: "ASKED BY", Cell: func(j replay.FailureJob) string { return j.RequestedBy }},
		{Title: "REASON", Flex: true, Cell: func(j replay.FailureJob) string { return j.Reason }},
	}
}
