package autoreplay

import (
	"context"
	"log/slog"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/emf"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/queue"
	"github.com/ce873799/replayable-ingestion/internal/record"
	"github.com/ce873799/replayable-ingestion/internal/states"
	"github.com/ce873799/replayable-ingestion/replay"
)

type book interface {
	Execution(ctx context.Context, name string) (ledger.Execution, error)
	AddExecution(ctx context.Context, e ledger.Execution) (ledger.Execution, error)
	AddOwned(ctx context.Context, ownerID, resourceID string, at ledger.Stamp) error
	SetCause(ctx context.Context, o ledger.Ended) error
	SetRecorded(ctx context.Context, r ledger.Recorded) (ledger.Execution, error)
	TakenIn(ctx context.Context, name string) error
	LookedUp(ctx context.Context, e ledger.Execution) error
	CheckLater(ctx context.Context, e ledger.Execution, at time.Time) error
	OpenExecutions(ctx context.Context, shard int, by time.Time, skip func(name string) bool, cursor string, limit int) ([]ledger.Execution, string, error)
	Unaccounted(ctx context.Context, ended []ledger.Ended) ([]ledger.Ended, error)
	Mark(ctx context.Context, name string) (ledger.Mark, error)
	SaveMark(ctx context.Context, m ledger.Mark) error
	RaisePublication(ctx context.Context, resourceID string, place ledger.Stamp) (ledger.Publication, error)
	MissingExecutions(ctx context.Context, names []string) (map[string]bool, error)
	Failure(ctx context.Context, partition string) (ledger.Failure, error)
	AddFailure(ctx context.Context, f ledger.Failure) (ledger.Failure, error)
	MoveFailure(ctx context.Context, f ledger.Failure, m ledger.Move, from ...ledger.FailureStatus) error
	OpenReplays(ctx context.Context, by time.Time, limit int) ([]ledger.Replay, error)
	Replay(ctx context.Context, id string) (ledger.Replay, error)
	CheckReplayLater(ctx context.Context, r ledger.Replay, at time.Time) error
	OpenSeries(ctx context.Context, shard int, by time.Time, limit int) ([]ledger.Series, error)
	CheckSeriesLater(ctx context.Context, name string, at time.Time) error
	Series(ctx context.Context, name string) (ledger.Series, error)
	MarkSeriesStarted(ctx context.Context, name string) error
	GiveUpSeries(ctx context.Context, name string) error
	Item(ctx context.Context, replayID string, page, ordinal, index int) (ledger.Item, error)
	Page(ctx context.Context, replayID string, number int) (ledger.Page, error)
	Due(ctx context.Context, shard int, now time.Time, cursor string, limit int) ([]ledger.Failure, string, error)
	CountQuarantine(ctx context.Context, limit int) (int, error)
	CountOpen(ctx context.Context, group string, limit int) (int, error)
	Group(ctx context.Context, name string) (ledger.Group, error)
	SaveGroup(ctx context.Context, g ledger.Group) (ledger.Group, error)
	Groups(ctx context.Context, now time.Time, cursor string, limit int) ([]ledger.Group, string, error)
	HeldFailures(ctx context.Context, group string, skip func(ledger.Failure) bool, limit int) ([]ledger.Failure, bool, error)
	Failures(ctx context.Context, partitions []string) ([]ledger.Failure, error)
	Acquire(ctx context.Context, name, holder string, now, until time.Time) error
	Release(ctx context.Context, name, holder string) error
}

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
	List(ctx context.Context, status ledger.ExecutionStatus, token string) ([]states.Listed, string, error)
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
	Settle(ctx context.Context, ended []ledger.Ended) []error
}

type board interface {
	Take(ctx context.Context, steps []progress.Step) map[string]error
	Look(ctx context.Context, id string, now time.Time) error
	Stop(ctx context.Context, id string, stop replay.Stop) error
}

type judge interface {
	OfFailure(ctx context.Context, f ledger.Failure) (eventlog.Version, bool, error)
}

// Deps are what the job works with.
type Deps struct {
	Book        book
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
