package listener

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// several replays several versions of one resource. They are bound as a series before the first one starts.
func (l *Listener) several(ctx context.Context, t *task) (*verdict, error) {
	s, err := l.Book.Series.Get(ctx, domain.SeriesName(t.it.ReplayID, t.it.Page, t.it.Ordinal))
	if errors.Is(err, ledger.ErrNotFound) {
		if t.it.Outcome != replay.Waiting || t.it.Execution != "" {
			return l.single(ctx, t)
		}
		var vd *verdict
		s, vd, err = l.bindSeries(ctx, t)
		if vd == nil && err == nil && t.only != "" {
			return l.single(ctx, t)
		}
		if vd != nil {
			return vd, err
		}
	}
	if err != nil {
		return nil, err
	}
	if err := l.Book.Series.AddItems(ctx, s); err != nil {
		return nil, err
	}
	if t.req.DryRun {
		return later, l.planSeries(ctx, t, s)
	}
	return later, l.startSeries(ctx, t, s)
}

// bindSeries binds the versions of a resource. If there is only one, the task gets it instead.
func (l *Listener) bindSeries(ctx context.Context, t *task) (s domain.Series, vd *verdict, err error) {
	if vd, err := l.mayBegin(ctx, t); vd != nil || err != nil {
		return s, vd, err
	}
	versions, looked, vd, err := l.rangeOf(ctx, t)
	if vd != nil || err != nil {
		return s, t.req.drift(vd), err
	}
	digests, err := l.digests(ctx, t)
	if err != nil {
		return s, nil, err
	}
	if len(versions) == 1 {
		t.only = versions[0]
		if len(digests) > 0 {
			t.it.Digest = digests[0]
		}
		return s, nil, nil
	}
	s = domain.Series{
		Name: domain.SeriesName(t.it.ReplayID, t.it.Page, t.it.Ordinal), ReplayID: t.it.ReplayID, Page: t.it.Page,
		Ordinal: t.it.Ordinal, ResourceID: t.it.ResourceID,
		Versions: versions, Digests: digests, Rows: 1, Looked: looked, CreatedAt: domain.At(l.now()),
	}
	for range bindRounds {
		if t.r.Room() < len(versions)-1 {
			return s, skip("its %d versions are more than maxItems %d has room for", len(versions), t.r.MaxItems), nil
		}
		err = l.Book.Series.Add(ctx, t.r, s)
		if !errors.Is(err, ledger.ErrConflict) {
			return s, nil, err
		}
		bound, err := l.Book.Series.Get(ctx, s.Name)
		if !errors.Is(err, ledger.ErrNotFound) {
			return bound, nil, err
		}
		if t.r, err = l.Book.Replays.Get(ctx, t.it.ReplayID); err != nil {
			return s, nil, err
		}
		if t.r.Stopped() {
			return s, skip("%s", stopped(t.r)), nil
		}
	}
	return s, nil, fmt.Errorf("bind series %s: %w", s.Name, ledger.ErrConflict)
}

// digests are the planned digests of the versions of a series, none if no plan is applied.
func (l *Listener) digests(ctx context.Context, t *task) (digests []string, err error) {
	if t.req.Apply == nil {
		return nil, nil
	}
	items, err := l.plannedSeries(ctx, t)
	for _, planned := range items {
		digests = append(digests, planned.Digest)
	}
	return digests, err
}

// planFor is how long one message plans a series: a transform may take up to 20 seconds for a version.
const planFor = 30 * time.Second

// planSeries plans every version of a series and starts none.
func (l *Listener) planSeries(ctx context.Context, t *task, s domain.Series) error {
	until, looked := l.now().Add(planFor), false
	return l.settleSeries(ctx, t.msg, s, func(it domain.Item) (moved *progress.Transition, more bool, err error) {
		if looked && l.now().After(until) {
			return nil, false, nil
		}
		looked = true
		v, vd, err := l.version(ctx, it, s)
		if vd == nil && err == nil {
			vd, err = l.bind(ctx, &task{it: it, req: t.req, r: t.r}, v, domain.Stamp{})
		}
		if err != nil {
			return nil, false, err
		}
		return l.decided(it, vd), true, nil
	})
}

// seriesItems is how many versions of a series one message settles.
const seriesItems = 200

// settleSeries gives outcomes to the versions of a series that have none, where there is one by now. More is false if
// one message may do no more, and the next one goes on from there. The series is closed after its last version.
func (l *Listener) settleSeries(
	ctx context.Context, msg protocol.ReplayMessage, s domain.Series,
	outcomeOf func(it domain.Item) (moved *progress.Transition, more bool, err error),
) error {
	items, err := l.Book.Items.OfResource(ctx, s.ReplayID, s.Page, s.Ordinal, msg.From, seriesItems)
	if err != nil {
		return err
	}
	var all []progress.Transition
	for i, it := range items {
		if it.Outcome.Final() {
			continue
		}
		moved, more, err := outcomeOf(it)
		if err != nil {
			return err
		}
		if !more {
			items = items[:i]
			break
		}
		if moved != nil {
			all = append(all, *moved)
		}
		if len(all) == ledger.MaxItemChanges { // a long series must make progress even if time runs out
			if err := l.apply(ctx, s.ReplayID, all...); err != nil {
				return err
			}
			all = nil
		}
	}
	if err := l.apply(ctx, s.ReplayID, all...); err != nil {
		return err
	}
	if len(items) > 0 && items[len(items)-1].Index+1 < len(s.Versions) {
		msg.From = items[len(items)-1].Index + 1
		return l.sendOn(ctx, msg)
	}
	if err := l.Book.Series.Close(ctx, s.Name); err != nil {
		return err
	}
	return l.Progress.CompleteIfDone(ctx, s.ReplayID, l.now())
}

// version returns the version of an item of a series, or a verdict if it is gone.
func (l *Listener) version(ctx context.Context, it domain.Item, s domain.Series) (eventlog.Version, *verdict, error) {
	id := s.Versions[it.Index]
	v, err := l.Log.Version(ctx, it.ResourceID, id)
	if errors.Is(err, eventlog.ErrNotFound) {
		return v, gone(id), nil
	}
	return v, nil, err
}

// SeriesInput is the input of the Series state machine and, with an index, of the function that it asks about each
// version.
type SeriesInput struct {
	ReplayID  string           `json:"replayId"`
	Page      int              `json:"page"`
	Ordinal   int              `json:"ordinal"`
	OnFailure replay.OnFailure `json:"onFailure"`
	Indexes   []int            `json:"indexes,omitempty"`

	Execution string `json:"execution,omitempty"` // the execution that asks

	Index    int         `json:"index"`
	Previous SeriesOrder `json:"bound,omitzero"` // the last order to wait
}

// Decisions about a version of a series.
const (
	decisionRun      = "run"
	decisionContinue = "runAndContinue" // run, and go on if it fails
	decisionWait     = "wait"           // ask again after WaitSeconds
	decisionSkip     = "skip"
	decisionStop     = "stop" // end the series
)

// SeriesOrder tells the Series state machine what to do about a version.
type SeriesOrder struct {
	Decision    string          `json:"decision"`
	Name        string          `json:"name,omitempty"`
	Input       json.RawMessage `json:"input,omitempty"`
	WaitSeconds int             `json:"waitSeconds,omitempty"`
	Slot        int64           `json:"slot,omitempty"`
}

// maxSeriesInput keeps the data of the Series state machine well under the limit of Step Functions: the description of
// an execution repeats its input beside its output.
const maxSeriesInput = 64_000

func (l *Listener) startSeries(ctx context.Context, t *task, s domain.Series) error {
	if s.Started && !s.Parked || s.Closed {
		return nil
	}
	r, err := l.Book.Replays.Get(ctx, s.ReplayID)
	if err != nil {
		return err
	}
	if s.Parked {
		if parked, err := l.parked(ctx, r); parked || err != nil {
			return err
		}
		if s, err = l.Book.Series.Unpark(ctx, s, domain.At(l.now())); errors.Is(err, ledger.ErrConflict) {
			return nil // another message goes on with it
		} else if err != nil {
			return err
		}
	} else if parked, err := l.parkedSeries(ctx, r, s); parked || err != nil {
		return err
	}
	r.Action = replay.Rerun // a series costs a start even if it republishes
	if waits, err := l.pace(ctx, r, t.msg); waits || err != nil {
		return err
	}
	// Even if the replay was stopped: an earlier delivery may have started the series and died before it recorded that.
	// A series of a stopped replay binds nothing more, and its end gives the rest its outcome.
	in := SeriesInput{ReplayID: s.ReplayID, Page: s.Page, Ordinal: s.Ordinal, OnFailure: t.req.Versions.OnFailure}
	if in.Indexes, err = l.remaining(ctx, s); err != nil {
		return err
	}
	input, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode series input: %w", err)
	}
	if _, err := l.startOn(ctx, l.Series, s.Execution(), input); err != nil {
		return err
	}
	l.Logger.InfoContext(ctx, "series started", "execution", s.Execution(), "resourceId", s.ResourceID,
		"versions", len(in.Indexes), "replayId", s.ReplayID)
	return l.Book.Series.MarkStarted(ctx, s.Name)
}
