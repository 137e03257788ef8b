package autoreplay

import (
	"context"
	"log/slog"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/emf"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ingest"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/replay"
)

type eventLog interface {
	First(ctx context.Context, resourceID, versionID string) (eventlog.Version, error)
	FindEnded(ctx context.Context, resourceID, execution string, startedAt, endedAt time.Time) (eventlog.Version, error)
	PutObject(ctx context.Context, key string, document []byte) error
	Walk(ctx context.Context, cursor string, limit int) ([]eventlog.Entry, string, error)
	Stored(ctx context.Context, key string) (time.Time, error)
}

type describer interface {
	Describe(ctx context.Context, name string) (sfn.Description, error)
	ExecutionARN(name string) string
}

type machine interface {
	describer
	List(ctx context.Context, status domain.ExecutionStatus, token string) ([]sfn.Listed, string, error)
	FailedState(ctx context.Context, name string) (string, error)
}

type deadLetters interface {
	Receive(ctx context.Context, hide time.Duration) ([]sqs.Message, error)
	Delete(ctx context.Context, m sqs.Message) error
}

type sender interface {
	Send(ctx context.Context, bodies ...string) error
	Post(ctx context.Context, posts ...sqs.Post) error
}

type alarm interface {
	InAlarm(ctx context.Context) (bool, error)
}

type endRecorder interface {
	Record(ctx context.Context, ended []domain.Ended) []error
}

type progressor interface {
	Apply(ctx context.Context, transitions []progress.Transition) map[string]error
	CompleteIfDone(ctx context.Context, id string, now time.Time) error
	GoOn(ctx context.Context, id string, now time.Time, after time.Duration) error
	Stop(ctx context.Context, id string, stop replay.Stop) error
}

type superseding interface {
	SupersederOf(ctx context.Context, f domain.Failure) (eventlog.Version, bool, error)
	Needless(ctx context.Context, f domain.Failure, supersedeOlder bool) (*domain.Move, error)
}

// Deps are what a Runner works with.
type Deps struct {
	Book        *ledger.Ledger
	Log         eventLog
	Machine     machine
	Series      describer // of the Series state machine
	DeadLetters deadLetters
	Replays     sender
	Outcomes    endRecorder
	Progress    progressor
	Superseding superseding
	Pause       alarm // while it is in alarm, nothing is started; nil: there is none
	Reader      ingest.Reader
	Logger      *slog.Logger
	Meter       *emf.Meter       // of each run; nil: none
	Now         func() time.Time // nil: time.Now
	Random      func() float64   // from 0 up to 1; nil: math/rand
}
