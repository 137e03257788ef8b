package autoreplay

import (
	"log/slog"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/aws/cloudwatch"
	"github.com/ce873799/replayable-ingestion/internal/aws/emf"
	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/ingest"
	"github.com/ce873799/replayable-ingestion/internal/outcome"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// Deps are what a Runner works with.
type Deps struct {
	Book        *ledger.Ledger
	Log         *eventlog.Log
	Machine     sfn.Within
	Series      sfn.Within // of the Series state machine
	DeadLetters *sqs.Queue
	Replays     *sqs.Queue
	Outcomes    *outcome.EndRecorder
	Progress    *progress.Replays
	Superseding *outcome.Superseding
	Pause       *cloudwatch.Alarm // while it is in alarm, nothing is started; nil: there is none
	Reader      ingest.Reader
	Logger      *slog.Logger
	Meter       *emf.Meter       // counts each run; nil: counts nothing
	Now         func() time.Time // nil: time.Now
	Random      func() float64   // from 0 up to 1; nil: math/rand
}
