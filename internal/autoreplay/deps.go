package autoreplay

import (
	"context"
	"log/slog"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/emf"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/queue"
	"github.com/ce873799/replayable-ingestion/internal/record"
	"github.com/ce873799/replayable-ingestion/internal/states"
	"github.com/ce873799/replayable-ingestion/replay"
)

type eventLog interface {
	FindEnded(ctx context.Context, resourceID, execution string, startedAt, endedAt time.Time) (eventlog.Version, error)
	PutObject(ctx context.Context, key string, document []byte) error
	Walk(ctx context.Context, cursor string, limit int) ([]eventlog.Entry, string, error)
	Stored(ctx context.Context, key string) (time.Time, error)
}

type describer interface {
	Describe(ctx context.Context, name string) (states.Description, error)
	ExecutionARN(name string) string
}

type machine interface {
	describer
	List(ctx context.Context, status domain.ExecutionStatus, token string) ([]states.Listed, string, error)
	FailedState(ctx context.Context, name string) (string, error)
}

type deadLetters interface {
	Receive(ctx context.Context, hide time.Duration) ([]queue.Message, error)
	Delete(ctx context.Context, m queue.Message) error
}

type sender interface {
	Send(ctx context.Context, bodies ...string) error
	Post(ctx context.Context, posts ...queue.Post) error
}

type alarm interface {
	InAlarm(ctx context.Context) (bool, error)
}

type settler interface {
	Settle(ctx context.Context, ended []domain.Ended) []error
}

type board interface {
	Take(ctx context.Context, steps []progress.Step) map[string]error
	Look(ctx context.Context, id string, now time.Time) error
	Stop(ctx context.Context, id string, stop replay.Stop) error
}

type judge interface {
	OfFailure(ctx context.Context, f domain.Failure) (eventlog.Version, bool, error)
}

// Deps are what the job works with.
type Deps struct {
	Book        *ledger.Ledger
	Log         eventLog
	Machine     machine
	Series      describer // of the Series state machine
	DeadLetters deadLetters
	Replays     sender
	Settler     settler
	Board       board
	Judge       judge // nil: older failures are not superseded by newer events
	Pause       alarm // while it is in alarm, nothing is started; nil: there is none
	Reader      record.Reader
	Logger      *slog.Logger
	Meter       *emf.Meter       // of each run; nil: none
	Now         func() time.Time // nil: time.Now
	Random      func() float64   // from 0 up to 1; nil: math/rand
}
