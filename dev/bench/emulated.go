package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	smithytime "github.com/aws/smithy-go/time"
	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/dev/bench/sales"
	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/dev/replayapi"
	"github.com/ce873799/replayable-ingestion/replay"
)

// deployed is the dev stage on the emulator, with a bare workflow beside it.
type deployed struct {
	*local.Stack
	machine *sfn.Client
	queues  *sqs.Client
	api     *replayapi.Client
	bare    string // ARN of the bare workflow's state machine
}

// emulated runs sales end to end through the deployed stage, and counts state transitions.
func (r *run) emulated(ctx context.Context) ([]Row, error) {
	stack, err := local.Start(ctx, local.Options{Dir: r.Tools.Root, App: "go run ./dev/bench/beside", Progress: r.Out})
	if err != nil {
		return nil, err
	}
	defer stack.Stop()
	cfg := stack.Config()
	d := &deployed{Stack: stack, machine: sfn.NewFromConfig(cfg), queues: sqs.NewFromConfig(cfg), api: replayapi.New(stack.APIURL, cfg)}
	if d.bare, err = stack.Output(local.DefaultStack, "BareMachineArn"); err != nil {
		return nil, err
	}
	all, err := distinct()
	if err != nil {
		return nil, err
	}
	added, err := d.transitions(ctx, all[:5])
	if err != nil {
		return nil, err
	}
	rows := []Row{exact("State transitions added per event", added, "transitions", 1)}
	from, probes := 5, [2]map[string]float64{}
	var passes [2][]passed
	for n := range 7 { // taking turns: the machine's other work changes over minutes
		i := n % 2
		size := r.Sizes.EndToEnd[i]
		p, err := d.through(ctx, all[from:from+size])
		if err != nil {
			return nil, err
		}
		from += size
		if probes[i] == nil {
			if probes[i], err = d.probe(ctx, all[from-1].Listing); err != nil {
				return nil, err
			}
		}
		r.say("%d sales end to end: %s each to record, %s to replay", size, p.record, p.replay)
		passes[i] = append(passes[i], p)
	}
	for i, size := range r.Sizes.EndToEnd {
		of, want := "End to end on the emulator: of "+number(float64(size))+" sales, ", float64(size)
		rows = append(rows,
			exact(of+"recorded and published exactly once", float64(slices.Min(each(passes[i], func(p passed) int { return p.recorded }))), "sales", want),
			exact(of+"replayed and published exactly once", float64(slices.Min(each(passes[i], func(p passed) int { return p.replayed }))), "sales", want))
	}
	for _, call := range slices.Sorted(maps.Keys(probes[0])) {
		r.say("the emulator's %s: %.2f ms, then %.2f ms", call, probes[0][call], probes[1][call])
	}
	took := func(p passed) time.Duration { return p.record + p.replay }
	sizes := fmt.Sprintf("%s against %s", number(float64(r.Sizes.EndToEnd[1])), number(float64(r.Sizes.EndToEnd[0])))
	growth := float64(median(each(passes[1], took))) / float64(median(each(passes[0], took)))
	return append(rows, most("End to end on the emulator: time per sale, "+sizes, growth, ratio, 1.2)), nil
}

// distinct are the sales of which each is another listing's.
func distinct() (found []sales.Sale, err error) {
	all, err := sales.Read(0)
	seen := map[string]bool{}
	for _, s := range all {
		if !seen[s.Listing] {
			seen[s.Listing] = true
			found = append(found, s)
		}
	}
	return found, err
}

// transitions returns how many states more an event enters than in the bare workflow.
func (d *deployed) transitions(ctx context.Context, events []sales.Sale) (float64, error) {
	total := 0
	for _, e := range events {
		with, err := d.entered(ctx, d.StateMachineARN, e)
		if err != nil {
			return 0, err
		}
		without, err := d.entered(ctx, d.bare, e)
		if err != nil {
			return 0, err
		}
		total += with - without
	}
	return float64(total) / float64(len(events)), nil
}

// entered runs an event through a state machine and counts the states in its history.
func (d *deployed) entered(ctx context.Context, machine string, e sales.Sale) (n int, err error) {
	x, err := d.machine.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &machine, Name: aws.String("once-" + e.Listing), Input: &e.Raw})
	if err != nil {
		return 0, fmt.Errorf("start execution: %w", err)
	}
	for {
		out, err := d.machine.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: x.ExecutionArn})
		if err != nil {
			return 0, fmt.Errorf("describe execution: %w", err)
		}
		if out.Status == types.ExecutionStatusSucceeded {
			break
		}
		if out.Status != types.ExecutionStatusRunning {
			return 0, fmt.Errorf("%s ended as %s: %w", *x.ExecutionArn, out.Status, errNotThrough)
		}
		if err := smithytime.SleepWithContext(ctx, 100*time.Millisecond); err != nil {
			return 0, err
		}
	}
	pages := sfn.NewGetExecutionHistoryPaginator(d.machine, &sfn.GetExecutionHistoryInput{ExecutionArn: x.ExecutionArn})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, fmt.Errorf("read history: %w", err)
		}
		for _, event := range page.Events {
			if strings.HasSuffix(string(event.Type), "StateEntered") {
				n++
			}
		}
	}
	return n, nil
}

// errNotThrough means that not every sale came through.
var errNotThrough = errors.New("not every sale came through")

const producers = 8

// through records sales and replays them, and waits until subscribers have heard of all.
func (d *deployed) through(ctx context.Context, events []sales.Sale) (p passed, err error) {
	heard := newTold()
	began := time.Now()
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(producers)
	for _, e := range events {
		group.Go(func() error {
			_, err := d.machine.StartExecution(gctx, &sfn.StartExecutionInput{StateMachineArn: &d.StateMachineARN, Name: aws.String("sale-" + e.Listing), Input: &e.Raw})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return p, fmt.Errorf("ingest: %w", err)
	}
	if err := d.hear(ctx, heard, len(events), func() int { return len(heard.live) }); err != nil {
		return p, err
	}
	p.record = time.Since(began) / time.Duration(len(events))
	ids := make([]string, len(events))
	for i, e := range events {
		ids[i] = e.Listing
	}
	began = time.Now()
	for len(ids) > 0 {
		n := min(len(ids), replay.MaxResourceIDs)
		accepted, err := d.api.Replay(ctx, map[string]any{"select": map[string]any{"resourceIds": ids[:n]}, "reason": "bench"})
		if err != nil {
			return p, err
		}
		ids = ids[n:]
		done, err := d.api.Wait(ctx, accepted.ReplayID)
		if err != nil {
			return p, err
		}
		if done.Status != replay.Completed || done.Counts.Succeeded != n {
			return p, fmt.Errorf("replay of %d is %s with %+v: %w", n, done.Status, done.Counts, errNotThrough)
		}
	}
	p.replay = time.Since(began) / time.Duration(len(events))
	err = d.hear(ctx, heard, len(events), func() int { return len(heard.replayed) })
	p.recorded, p.replayed = once(heard.live), once(heard.replayed)
	return p, err
}

// hear reads what subscribers were sent, until it is of so many sales and nothing more comes.
func (d *deployed) hear(ctx context.Context, heard *told, want int, got func() int) error {
	deadline := time.Now().Add(10 * time.Minute)
	for empty := 0; empty < 3; {
		out, err := d.queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &d.DownstreamQueueURL, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			return fmt.Errorf("read what was published: %w", err)
		}
		for _, m := range out.Messages {
			attributes := map[string]string{}
			for name, a := range m.MessageAttributes {
				attributes[name] = aws.ToString(a.StringValue)
			}
			if strings.HasPrefix(attributes["execution"], "once-") {
				continue
			}
			heard.message(attributes, "")
		}
		if len(out.Messages) > 0 {
			if err := d.forget(ctx, out); err != nil {
				return err
			}
			continue
		}
		if got() >= want {
			empty++
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("subscribers heard of %d of %d: %w", got(), want, errNotThrough)
		}
		if err := smithytime.SleepWithContext(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// forget takes messages out of the queue that were read.
func (d *deployed) forget(ctx context.Context, out *sqs.ReceiveMessageOutput) error {
	for _, m := range out.Messages {
		if _, err := d.queues.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &d.DownstreamQueueURL, ReceiptHandle: m.ReceiptHandle}); err != nil {
			return fmt.Errorf("delete what was read: %w", err)
		}
	}
	return nil
}
