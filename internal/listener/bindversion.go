package listener

import (
	"context"
	"errors"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

// BindVersion answers the Series state machine about one version: it checks the guards once more, since the versions
// before it took their time, and binds it.
func (l *Listener) BindVersion(ctx context.Context, in SeriesInput) (SeriesOrder, error) {
	order, err := errs.WithinDeadline(ctx, func(ctx context.Context) (SeriesOrder, error) { return l.bindVersion(ctx, in) })
	if err != nil {
		l.Logger.Log(ctx, errs.Level(err), "version of series not bound", "replayId", in.ReplayID, "page", in.Page,
			"ordinal", in.Ordinal, "index", in.Index, "error", err)
		return SeriesOrder{}, errs.Name(err)
	}
	return order, nil
}

func (l *Listener) bindVersion(ctx context.Context, in SeriesInput) (SeriesOrder, error) {
	it, err := l.Book.Items.Get(ctx, in.ReplayID, in.Page, in.Ordinal, in.Index)
	if err != nil {
		return SeriesOrder{}, err
	}
	req, err := l.request(ctx, in.ReplayID)
	if err != nil {
		return SeriesOrder{}, err
	}
	r, err := l.Book.Replays.Get(ctx, in.ReplayID)
	if err != nil {
		return SeriesOrder{}, err
	}
	if r.Stopped() && it.Execution == "" {
		return SeriesOrder{Decision: decisionStop}, nil // what has not run gets its outcome when the series has ended
	}
	if it.Outcome.Final() {
		return SeriesOrder{Decision: decisionSkip}, nil
	}
	var s domain.Series
	if it.Execution == "" {
		if s, err = l.Book.Series.Get(ctx, domain.SeriesName(it.ReplayID, it.Page, it.Ordinal)); err != nil {
			return SeriesOrder{}, err
		}
		if in.Execution != "" && in.Execution != s.Execution() {
			return SeriesOrder{Decision: decisionStop}, nil // another execution goes on with it
		}
		if err := l.parkSeries(ctx, r, s); errors.Is(err, errParked) {
			return SeriesOrder{Decision: decisionStop}, nil // resuming starts another execution with the rest
		} else if err != nil {
			return SeriesOrder{}, err
		}
	}
	if wait := l.seriesPace(ctx, r, in.Previous); wait != nil {
		return wait.order, wait.err
	}
	if it.Execution == "" {
		var vd *verdict
		if it, vd, err = l.bindInSeries(ctx, it, req, s); vd != nil || err != nil {
			return l.end(ctx, it, req.drift(vd), err)
		}
	}
	if req.Action == replay.Republish {
		vd, err := l.republish(ctx, it, req)
		return l.end(ctx, it, vd, err)
	}
	return l.order(ctx, it, in.OnFailure)
}

// end records the outcome of an item that a verdict ends, and lets the series go on.
func (l *Listener) end(ctx context.Context, it domain.Item, vd *verdict, err error) (SeriesOrder, error) {
	step, err := l.decided(it, vd, err)
	if err == nil {
		err = l.apply(ctx, it.ReplayID, *step)
	}
	return SeriesOrder{Decision: decisionSkip}, err
}

// bindInSeries binds an item of a series to its version.
func (l *Listener) bindInSeries(ctx context.Context, it domain.Item, req request, s domain.Series) (domain.Item, *verdict, error) {
	v, vd, err := l.version(ctx, it, s)
	if vd != nil || err != nil {
		return it, vd, err
	}
	// A version of the series is not stale because of a newer one of the same series.
	last, err := l.Log.Version(ctx, it.ResourceID, s.Versions[len(s.Versions)-1])
	if errors.Is(err, eventlog.ErrNotFound) {
		last, err = v, nil
	}
	if err == nil {
		vd, err = l.stale(ctx, it.ResourceID, last, req)
	}
	if vd != nil || err != nil {
		return it, vd, err
	}
	return l.bind(ctx, it, req, v, domain.At(last.Place()))
}

// order notes that a version is about to start, and lets the Series state machine start it.
func (l *Listener) order(ctx context.Context, it domain.Item, onFailure replay.OnFailure) (SeriesOrder, error) {
	row, err := l.Book.Executions.Get(ctx, it.Execution)
	if err != nil {
		return SeriesOrder{}, err
	}
	input, vd, err := l.input(ctx, row, maxSeriesInput)
	if vd != nil && err == nil {
		if it.Outcome == replay.Started { // an earlier answer may have started it; otherwise it ends with the series
			return SeriesOrder{Decision: decisionSkip}, nil
		}
		if err := l.neverStarted(ctx, row, vd.reason); err != nil {
			return SeriesOrder{}, err
		}
		return l.end(ctx, it, vd, nil)
	}
	if err != nil {
		return SeriesOrder{}, err
	}
	step := l.step(it, replay.Started, "")
	step.ARN = l.Machine.ExecutionARN(row.Name)
	if err := l.apply(ctx, it.ReplayID, *step); err != nil {
		return SeriesOrder{}, err
	}
	decision := decisionRun
	if onFailure == replay.ContinueOnFailure {
		decision = decisionContinue
	}
	return SeriesOrder{Decision: decision, Name: row.Name, Input: input}, nil
}
