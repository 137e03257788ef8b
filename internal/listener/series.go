package listener

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/replay"
)

// several replays several versions of one resource. They are bound as a series before the first one starts.
func (l *Listener) several(ctx context.Context, msg protocol.ReplayMessage, it domain.Item, req request) (*progress.Transition, error) {
	name := domain.SeriesName(it.ReplayID, it.Page, it.Ordinal)
	s, err := l.Book.Series.Get(ctx, name)
	if errors.Is(err, ledger.ErrNotFound) {
		if it.Outcome != replay.Waiting || it.Execution != "" {
			return l.single(ctx, msg, it, req, nil)
		}
		var versions []string
		var vd *verdict
		versions, s, vd, err = l.bindSeries(ctx, msg, it, req, name)
		if vd != nil && err == nil {
			return l.decided(it, vd, nil)
		}
		if err == nil && len(versions) == 1 {
			v, vd, err := l.named(ctx, it.ResourceID, versions[0])
			if vd != nil || err != nil {
				return l.decided(it, req.drift(vd), err)
			}
			if digests, err := l.digests(ctx, it, req); err != nil {
				return nil, err
			} else if len(digests) > 0 {
				it.Digest = digests[0]
			}
			return l.single(ctx, msg, it, req, &v)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := l.Book.Series.AddItems(ctx, s); err != nil {
		return nil, err
	}
	if req.DryRun {
		return nil, l.planSeries(ctx, msg, s, req)
	}
	return nil, l.startSeries(ctx, msg, s, req)
}

// bindSeries binds the versions of a resource, unless there is only one.
func (l *Listener) bindSeries(
	ctx context.Context, msg protocol.ReplayMessage, it domain.Item, req request, name string,
) ([]string, domain.Series, *verdict, error) {
	none := domain.Series{}
	r, err := l.Book.Replays.Get(ctx, it.ReplayID)
	if err != nil {
		return nil, none, nil, err
	}
	if r.Stopped() {
		return nil, none, skip("%s", stopped(r)), nil
	}
	if err := l.holdBack(ctx, r, it); err != nil {
		return nil, none, nil, err
	}
	versions, looked, vd, err := l.rangeOf(ctx, msg, it, req)
	if vd != nil || err != nil || len(versions) == 1 {
		return versions, none, req.drift(vd), err
	}
	digests, err := l.digests(ctx, it, req)
	if err != nil {
		return nil, none, nil, err
	}
	s := domain.Series{
		Name: name, ReplayID: it.ReplayID, Page: it.Page, Ordinal: it.Ordinal, ResourceID: it.ResourceID,
		Versions: versions, Digests: digests, Rows: 1, Looked: looked, CreatedAt: domain.At(l.now()),
	}
	for range bindRounds {
		if r.Room() < len(versions)-1 {
			return nil, none, skip("its %d versions are more than maxItems %d has room for", len(versions), r.MaxItems), nil
		}
		err = l.Book.Series.Add(ctx, r, s)
		if !errors.Is(err, ledger.ErrConflict) {
			return versions, s, nil, err
		}
		bound, err := l.Book.Series.Get(ctx, name)
		if !errors.Is(err, ledger.ErrNotFound) {
			return nil, bound, nil, err
		}
		if r, err = l.Book.Replays.Get(ctx, it.ReplayID); err != nil {
			return nil, none, nil, err
		}
		if r.Stopped() {
			return nil, none, skip("%s", stopped(r)), nil
		}
	}
	return nil, none, nil, fmt.Errorf("bind series %s: %w", name, ledger.ErrConflict)
}

// digests are what a plan has of the versions of a series, none if no plan is applied.
func (l *Listener) digests(ctx context.Context, it domain.Item, req request) (digests []string, err error) {
	if req.Apply == nil {
		return nil, nil
	}
	items, err := l.plannedSeries(ctx, it, req)
	for _, planned := range items {
		digests = append(digests, planned.Digest)
	}
	return digests, err
}

// planFor is how long one message looks at a series: a transform may take up to 20 seconds for a version.
const planFor = 30 * time.Second

// planSeries looks at every version of a series and starts none.
func (l *Listener) planSeries(ctx context.Context, msg protocol.ReplayMessage, s domain.Series, req request) error {
	items, err := l.Book.Items.OfResource(ctx, s.ReplayID, s.Page, s.Ordinal, msg.From, seriesItems)
	if err != nil {
		return err
	}
	var steps []progress.Transition
	until := l.now().Add(planFor)
	for i, it := range items {
		if i > 0 && l.now().After(until) { // the next message goes on
			items = items[:i]
			break
		}
		if it.Outcome.Final() {
			continue
		}
		v, vd, err := l.version(ctx, it, s)
		if vd == nil && err == nil {
			_, vd, err = l.bind(ctx, it, req, v, domain.Stamp{})
		}
		step, err := l.decided(it, vd, err)
		if err != nil {
			return err
		}
		if steps = append(steps, *step); len(steps) == ledger.MaxItemChanges { // a long series must get on if time runs out
			if err := l.apply(ctx, s.ReplayID, steps...); err != nil {
				return err
			}
			steps = nil
		}
	}
	if err := l.apply(ctx, s.ReplayID, steps...); err != nil {
		return err
	}
	return l.seriesDone(ctx, msg, s, items)
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

// SeriesInput is what the Series state machine gets, and with an index what it asks about each version.
type SeriesInput struct {
	ReplayID  string           `json:"replayId"`
	Page      int              `json:"page"`
	Ordinal   int              `json:"ordinal"`
	OnFailure replay.OnFailure `json:"onFailure"`
	Indexes   []int            `json:"indexes,omitempty"`

	Execution string `json:"execution,omitempty"` // that asks

	Index    int         `json:"index"`
	Previous SeriesOrder `json:"bound,omitzero"` // the order to wait that was given before
}

// Decisions about a version of a series.
const (
	decisionRun      = "run"
	decisionContinue = "runAndContinue" // run, and go on if it fails
	decisionWait     = "wait"           // ask again after WaitSeconds
	decisionSkip     = "skip"
	decisionStop     = "stop" // end the series
)

// SeriesOrder is what the Series state machine is to do about a version.
type SeriesOrder struct {
	Decision    string          `json:"decision"`
	Name        string          `json:"name,omitempty"`
	Input       json.RawMessage `json:"input,omitempty"`
	WaitSeconds int             `json:"waitSeconds,omitempty"`
	Slot        int64           `json:"slot,omitempty"`
}

// maxSeriesInput keeps what the Series state machine passes on well under the limit of Step Functions: the description
// of an execution repeats its input beside its output.
const maxSeriesInput = 64_000

func (l *Listener) startSeries(ctx context.Context, msg protocol.ReplayMessage, s domain.Series, req request) error {
	if s.Started && !s.Parked || s.Closed {
		return nil
	}
	r, err := l.Book.Replays.Get(ctx, s.ReplayID)
	if err != nil {
		return err
	}
	if s.Parked {
		if err := l.park(ctx, r); err != nil {
			return err
		}
		if s, err = l.Book.Series.Unpark(ctx, s, domain.At(l.now())); errors.Is(err, ledger.ErrConflict) {
			return nil // another message goes on with it
		}
	} else {
		err = l.parkSeries(ctx, r, s)
	}
	if err != nil {
		return err
	}
	if waits, err := l.paceSeries(ctx, r, msg); waits || err != nil {
		return err
	}
	// Also when the replay was stopped: an earlier delivery may have started the series and died before it noted that.
	// A series of a stopped replay binds nothing more, and its end gives the rest its outcome.
	in := SeriesInput{ReplayID: s.ReplayID, Page: s.Page, Ordinal: s.Ordinal, OnFailure: req.Versions.OnFailure}
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
