package outcome

// The tracker records outcomes of executions as EventBridge reports that they ended.

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ce873799/replayable-ingestion/internal/aws/emf"
	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

type endRecorder interface {
	Record(ctx context.Context, ended []domain.Ended) []error
}

type sender interface {
	Send(ctx context.Context, bodies ...string) error
}

// Tracker handles the messages of the outcomes queue.
type Tracker struct {
	meter    *emf.Meter
	outcomes endRecorder
	queue    sender
	machine  string
	series   string
	logger   *slog.Logger
}

// NewTracker returns a Tracker of the ingestion and the Series state machine, by their ARNs. It sends the work that
// follows a series to the Replay queue. A nil logger discards.
func NewTracker(outcomes endRecorder, queue sender, machine, series string, logger *slog.Logger) *Tracker {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Tracker{outcomes: outcomes, queue: queue, machine: machine, series: series, logger: logger}
}

// Metered makes the tracker report for how long it has failed. It returns the tracker.
func (t *Tracker) Metered(meter *emf.Meter) *Tracker {
	t.meter = meter
	return t
}

// Handle records the outcomes that a batch reports. SQS redelivers messages that were not recorded in time, or cannot
// be decoded, until they are dead letters. The end of an execution of another state machine is ignored.
func (t *Tracker) Handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	var answer events.SQSEventResponse
	var longest time.Duration
	fail := func(m events.SQSMessage, err error) {
		t.logger.Log(ctx, errs.Level(err), "outcome not recorded", "messageId", m.MessageId, "error", err)
		answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		longest = max(longest, sqs.TriedFor(m, time.Now()))
	}
	defer func() { t.meter.Set(schema.OutcomesStuck, longest.Seconds()) }()
	var ended []domain.Ended
	var told, ofSeries []events.SQSMessage
	var closes []string
	for _, m := range batch.Records {
		status, err := protocol.DecodeStatusMessage(m.Body)
		if err != nil {
			fail(m, err)
			continue
		}
		if status.StateMachineARN == t.series {
			closes, ofSeries = append(closes, Close(Ended(status))), append(ofSeries, m)
			continue
		}
		if status.StateMachineARN != t.machine {
			t.logger.WarnContext(ctx, "outcome of another state machine ignored", "stateMachineArn", status.StateMachineARN)
			continue
		}
		ended, told = append(ended, Ended(status)), append(told, m)
	}
	var sent []error
	var closing sync.WaitGroup // in parallel: neither may use up the other's time
	closing.Go(func() {
		_, sent = errs.EachWithinDeadline(ctx, closes, func(ctx context.Context, body string) (none struct{}, err error) {
			return none, t.queue.Send(ctx, body)
		})
	})
	recorded := t.outcomes.Record(ctx, ended)
	closing.Wait()
	for i, err := range append(sent, recorded...) {
		if err != nil {
			fail(append(ofSeries, told...)[i], err)
		}
	}
	return answer, nil
}

// Ended reads a status message.
func Ended(m protocol.StatusMessage) domain.Ended {
	return domain.Ended{
		Name: m.Name, ARN: m.ExecutionARN, Status: domain.ExecutionStatus(m.Status), Error: m.Error,
		StoppedAt: m.StopDate.Time, RedriveCount: int(m.RedriveCount),
	}
}

// Close is the message that makes the listener record an outcome for the items that a series left.
func Close(e domain.Ended) string {
	reason := "its series has ended"
	switch {
	case e.Status == domain.Failed && e.Error == "SeriesStopped":
		reason = "its series was stopped"
	case e.Status == domain.Failed:
		reason = "an older version of the series failed: " + e.Error
	case e.Status == domain.Aborted:
		reason = "its series was aborted"
	case e.Status == domain.TimedOut:
		reason = "its series timed out"
	}
	return protocol.ReplayMessage{Kind: protocol.KindClose, Series: e.Name, Reason: reason}.Encode()
}
