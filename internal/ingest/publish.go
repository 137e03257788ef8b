package ingest

// Publish is the last state of every workflow: it sends the output to SNS and marks the event done.

import (
	"context"
	"log/slog"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/aws/emf"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
)

type sender interface {
	Send(ctx context.Context, row domain.Execution, output string) error
}

type store interface {
	PutObject(ctx context.Context, key string, document []byte) error
	DeletedSince(ctx context.Context, resourceID string, place time.Time) (bool, error)
}

type publications interface {
	Get(ctx context.Context, name string) (domain.Execution, error)
	MarkPublished(ctx context.Context, e domain.Execution, p domain.Published) (domain.Execution, error)
}

// gate keeps an event from being published after a newer one.
type gate interface {
	Pass(ctx context.Context, row domain.Execution, guarded bool, send func(context.Context) error) (sent bool, err error)
}

// PublishOptions configures a Publisher.
type PublishOptions struct {
	StoreOutputs   bool
	SupersedeOlder bool
}

// Publisher handles the Publish state.
type Publisher struct {
	topic      sender
	store      store
	executions publications
	gate       gate
	opts       PublishOptions
	logger     *slog.Logger
	meter      *emf.Meter
	now        func() time.Time
}

// NewPublisher returns a Publisher. A nil logger discards, a nil meter counts nothing.
func NewPublisher(
	topic sender, store store, executions publications, gate gate,
	opts PublishOptions, logger *slog.Logger, meter *emf.Meter,
) *Publisher {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Publisher{
		topic: topic, store: store, executions: executions, gate: gate, opts: opts, logger: logger, meter: meter, now: time.Now,
	}
}

// Handle publishes the output of an execution. A repeated attempt publishes nothing again once the ledger says that
// it was published. Its errors carry the names of package errs.
func (p *Publisher) Handle(ctx context.Context, in protocol.PublishInput) error {
	type outcome struct {
		done string
		row  domain.Execution
	}
	out, err := errs.WithinDeadline(ctx, func(ctx context.Context) (o outcome, err error) {
		o.done, o.row, err = p.publish(ctx, in)
		return o, err
	})
	if err != nil {
		p.logger.Log(ctx, errs.Level(err), "output not published", "execution", in.Execution.Name, "error", err)
		return errs.Name(err)
	}
	p.logger.InfoContext(ctx, out.done, "execution", out.row.Name, "resourceId", out.row.ResourceID,
		"versionId", out.row.VersionID)
	return nil
}

func (p *Publisher) publish(ctx context.Context, in protocol.PublishInput) (done string, row domain.Execution, err error) {
	if row, err = p.executions.Get(ctx, in.Execution.Name); err != nil {
		return "", row, err
	}
	mark := domain.Published{Name: row.Name, Now: p.now()}
	if !row.PublishedAt.IsZero() || row.Superseded { // by an attempt whose answer was lost, or before a redrive
		mark.At, mark.OutputKey, mark.Withheld = row.PublishedAt.Time, row.OutputKey, row.Withheld
		_, err = p.executions.MarkPublished(ctx, row, mark)
		return "output published before", row, err
	}
	if p.opts.StoreOutputs {
		mark.OutputKey = eventlog.OutputKey(row.Name)
		if err = p.store.PutObject(ctx, mark.OutputKey, in.Output); err != nil {
			return "", row, err
		}
	}
	var counts schema.Metric
	if row.Suppress {
		done, counts = "output not published, as the replay asks for", schema.PublishSuppressed
	} else {
		if mark.Withheld, err = p.send(ctx, row, string(in.Output)); err != nil {
			return "", row, err
		}
		if done, counts = "output published", schema.Published; mark.Withheld != "" {
			done, counts = "output withheld", schema.PublishSuperseded
		} else {
			mark.At = mark.Now
		}
	}
	if _, err = p.executions.MarkPublished(ctx, row, mark); err != nil {
		return "", row, err
	}
	if before := row.Suppress && row.Status == domain.Succeeded; !before { // nothing else tells that it was done
		p.meter.Add(counts, 1)
	}
	return done, row, nil
}

// overtaken is why an output is withheld.
const overtaken = "a newer event of the resource was published first"

// send publishes an output, or returns why it must not be: decided last, after all that takes time.
func (p *Publisher) send(ctx context.Context, row domain.Execution, output string) (withheld string, err error) {
	if row.Mode != domain.Live || row.RedriveID != "" {
		if gone, err := p.store.DeletedSince(ctx, row.ResourceID, row.Placed().Time); gone || err != nil {
			return eventlog.WasDeleted, err
		}
	}
	sent, err := p.gate.Pass(ctx, row, p.guarded(row), func(ctx context.Context) error { return p.topic.Send(ctx, row, output) })
	if err == nil && !sent {
		return overtaken, nil
	}
	return "", err
}

// guarded reports whether an output must not be published after that of a newer event: a producer's may, since its
// events may overtake each other, and a replay or redrive with allowStale.
func (p *Publisher) guarded(row domain.Execution) bool {
	if row.RedriveID != "" {
		return !row.RedriveStale
	}
	switch row.Mode {
	case domain.Auto, domain.Restart:
		return p.opts.SupersedeOlder
	case domain.API:
		return !row.AllowStale
	}
	return false
}
