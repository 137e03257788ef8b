package chaos

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/dev/iam"
	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/dev/sales"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// readers is how many requests read at once.
const readers = 8

// read collects the facts.
func (r *run) read(ctx context.Context) (*Facts, error) {
	r.mu.Lock()
	f := &Facts{
		MaxAttempts: maxAttempts, Sent: r.sent, Asked: r.asked, Deliveries: r.deliveries, Deleted: r.deleted,
		PublishBegan: map[string]time.Time{},
	}
	r.mu.Unlock()
	var err error
	if f.Executions, err = r.executions(ctx); err != nil {
		return nil, err
	}
	for _, read := range []func(context.Context, *Facts) error{
		r.readErrors, r.readLedger, r.readBucket, r.readMessages, r.readOffers, r.readPublications,
	} {
		if err := read(ctx, f); err != nil {
			return nil, err
		}
	}
	if f.Denied, err = r.denied(); err != nil {
		return nil, err
	}
	f.Queued, err = r.queued(ctx)
	return f, err
}

// denied are the calls of functions that the policies of the deployed template do not allow.
func (r *run) denied() (list []string, err error) {
	account, err := iam.Read(r.stack.Templates[local.DefaultStack])
	if err != nil {
		return nil, err
	}
	calls, err := r.calls.Calls(r.stack.Outputs)
	if err != nil {
		return nil, err
	}
	for _, c := range calls {
		requests, err := account.Requests(c)
		if err != nil {
			return nil, err
		}
		for _, request := range requests {
			if !account.Decide(request).Allowed {
				list = append(list, request.String())
			}
		}
	}
	return list, nil
}

// executions lists all executions of the ingestion state machine by name.
func (r *run) executions(ctx context.Context) (map[string]Execution, error) {
	list, err := r.Executions(ctx)
	all := map[string]Execution{}
	for _, e := range list {
		all[e.Name] = e
	}
	return all, err
}

// readErrors completes the executions that failed.
func (r *run) readErrors(ctx context.Context, f *Facts) error {
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for name, e := range maps.Clone(f.Executions) {
		if !e.Failed() {
			continue
		}
		group.Go(func() error {
			out, err := r.Describe(ctx, name)
			if err != nil || out == nil {
				return err
			}
			e.Error = aws.ToString(out.Error)
			mu.Lock()
			defer mu.Unlock()
			f.Executions[name] = e
			return nil
		})
	}
	return group.Wait()
}

// readPublications finds out when those replays began to publish that are about something that was deleted.
func (r *run) readPublications(ctx context.Context, f *Facts) error {
	for _, m := range f.Messages {
		if _, ours := f.afterDeletion(m); !ours {
			continue
		}
		began, err := r.LastAttempt(ctx, m.Execution, schema.PublishState)
		if err != nil {
			return err
		}
		f.PublishBegan[m.Execution] = began
	}
	return nil
}

// readMessages takes what the subscriber of everything got.
func (r *run) readMessages(ctx context.Context, f *Facts) error {
	return r.Receive(ctx, r.stack.DownstreamQueueURL, func(m observe.Message) error {
		f.Messages = append(f.Messages, Message{
			Execution: m.Attributes["execution"], Version: m.Attributes["versionId"], Resource: m.Attributes["resourceId"],
			Replay: m.Attributes["isReplay"] == "true", At: m.Sent,
		})
		return nil
	})
}

// readOffers takes what the workflow's side effect left.
func (r *run) readOffers(ctx context.Context, f *Facts) error {
	f.Offers = map[string]int{}
	return r.Receive(ctx, r.stack.PremiumQueueURL, func(m observe.Message) error {
		s, err := sales.Of(m.Body)
		f.Offers[s.Listing]++
		return err
	})
}

// readLedger reads the whole table.
func (r *run) readLedger(ctx context.Context, f *Facts) error {
	rows, err := r.Rows(ctx)
	f.Rows, f.Failures, f.Owned, f.Replays, f.Items = rows.Executions, rows.Failures, rows.Owned, rows.Replays, rows.Items
	return err
}
