// Package publish is the last state of every workflow: it sends the output to SNS and marks the event done.
package publish

import (
	"context"
	"log/slog"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/emf"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/fault"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/workflow"
)

type sender interface {
	Send(ctx context.Context, row ledger.Execution, output string) error
}

type store interface {
	PutObject(ctx context.Context, key string, document []byte) error
}

type book interface {
	Execution(ctx context.Context, name string) (ledger.Execution, error)
	MarkPublished(ctx context.Context, e ledger.Execution, p ledger.Published) (ledger.Execution, error)
}

// judge tells whether a newer version was published already.
type judge interface {
	Published(ctx context.Context, resourceID, versionID string) (eventlog.Version, bool, error)
}

// Options configures a Publisher.
type Options struct {
	StoreOutputs   bool
	SupersedeOlder bool
}

// Publisher handles the Publish state.
type Publisher struct {
	topic  sender
	store  store
	book   book
	judge  judge
	opts   Options
	logger *slog.Logger
	meter  *emf.Meter
	now    func() time.Time
}

// New returns a Publisher. A nil logger discards, a nil meter counts nothing.
func New(topic sender, store store, book book, judge judge, opts Options, logger *slog.Logger, meter *emf.Meter) *Publisher {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Publisher{topic: topic, store: store, book: book, judge: judge, opts: opts, logger: logger, meter: meter, now: time.Now}
}

// Handle publishes the output of an execution. A repeated attempt publishes nothing again once the ledger says that
// it was published. Its errors carry the names of package fault.
func (p *Publisher) Handle(ctx context.Context, in workflow.PublishInput) error {
	done, row, err := p.publish(ctx, in)
	if err != nil {
		p.logger.Log(ctx, fault.Level(err), "output not published", "execution", in.Execution.Name, "error", err)
		return fault.Name(err)
	}
	p.logger.InfoContext(ctx, done, "execution", row.Name, "resourceId", row.ResourceID, "versionId", row.VersionID)
	return nil
}

func (p *Publisher) publish(ctx context.Context, in workflow.PublishInput) (done string, row ledger.Execution, err error) {
	if row, err = p.book.Execution(ctx, in.Execution.Name); err != nil {
		return "", row, err
	}
	mark := ledger.Published{Name: row.Name, Now: p.now()}
	if !row.PublishedAt.IsZero() || row.Superseded { // by an attempt whose answer was lost, or before a redrive
		mark.At, mark.OutputKey, mark.Superseded = row.PublishedAt.Time, row.OutputKey, row.Superseded
		_, err = p.book.MarkPublished(ctx, row, mark)
		return "output published before", row, err
	}
	if mark.Superseded, err = p.superseded(ctx, row); err != nil {
		return "", row, err
	}
	if p.opts.StoreOutputs {
		mark.OutputKey = eventlog.OutputKey(row.Name)
		if err = p.store.PutObject(ctx, mark.OutputKey, in.Output); err != nil {
			return "", row, err
		}
	}
	var counts schema.Metric
	switch {
	case mark.Superseded:
		done, counts = "output superseded", schema.PublishSuperseded
	case row.Suppress:
		done, counts = "output not published, as the replay asks for", schema.PublishSuppressed
	default:
		done, counts = "output published", schema.Published
		if err = p.topic.Send(ctx, row, string(in.Output)); err != nil {
			return "", row, err
		}
		mark.At = mark.Now
	}
	if _, err = p.book.MarkPublished(ctx, row, mark); err != nil {
		return "", row, err
	}
	if before := row.Suppress && row.Status == ledger.Succeeded; !before { // nothing else tells that it was done
		p.meter.Add(counts, 1)
	}
	return done, row, nil
}

// superseded reports whether an automatic replay comes too late. A replay that a person asked for never does.
func (p *Publisher) superseded(ctx context.Context, row ledger.Execution) (bool, error) {
	automatic := row.Mode == ledger.Auto || row.Mode == ledger.Restart
	if !automatic || !p.opts.SupersedeOlder {
		return false, nil
	}
	_, newer, err := p.judge.Published(ctx, row.ResourceID, row.VersionID)
	return newer, err
}
