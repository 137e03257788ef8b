package listener

import (
	"context"
	"errors"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

// BindVersion tells the Series state machine what to do about a version. It checks the guards again, since the earlier
// versions may have taken long, and binds the version.
func (l *Listener) BindVersion(ctx context.Context, in SeriesInput) (SeriesOrder, error) {
	order, err := errs.WithinDeadline(ctx, func(ctx context.Context) (SeriesOrder, error) { return l.bindVersion(ctx, in) })
	if err != nil {
		l.Logger.Log(ctx, errs.Level(err), "version of series not bound", "replayId", in.ReplayID, "page", in.Page,
			"ordinal", in.Ordinal, "index", in.Index, "error", err)
		return SeriesOrder{}, errs.Name(err)
	}
	return order, nil
}

func (l *Listener) bindVersion(ctx context.Context, in SeriesInput) (order SeriesOrder, err error) {
	msg := protocol.ReplayMessage{ReplayID: in.ReplayID, Page: in.Page, Ordinal: in.Ordinal}
	t, err := l.task(ctx, msg, in.Index)
	if err != nil {
		return order, err
	}
	if t.r.Stopped() && t.it.Execution == "" {
		return SeriesOrder{Decision: decisionStop}, nil // the rest gets its outcome after the end of the series
	}
	if t.it.Outcome.Final() {
		return SeriesOrder{Decision: decisionSkip}, nil
	}
	var s domain.Series
	if t.it.Execution == "" {
		if s, err = l.Book.Series.Get(ctx, domain.SeriesName(in.ReplayID, in.Page, in.Ordinal)); err != nil {
			return order, err
		}
		if in.Execution != "" && in.Execution != s.Execution() {
			return SeriesOrder{Decision: decisionStop}, nil // another execution goes on with it
		}
		parked, err := l.parkedSeries(ctx, t.r, s)
		if parked { // resuming starts another execution for the rest
			order.Decision = decisionStop
		}
		if parked || err != nil {
			return order, err
		}
	}
	if order, err = l.seriesPace(ctx, t.r, in.Previous); order.Decision != "" || err != nil {
		return order, err
	}
	if t.it.Execution == "" {
		if vd, err := l.bindInSeries(ctx, &t, s); vd != nil || err != nil {
			return l.end(ctx, t.it, t.req.drift(vd), err)
		}
	}
	if t.req.Action == replay.Republish {
		vd, err := l.republish(ctx, &t)
		return l.end(ctx, t.it, vd, err)
	}
	return l.order(ctx, t.it, in.OnFailure)
}

// end records the outcome of an item that has a verdict, and lets the series go on.
func (l *Listener) end(ctx context.Context, it domain.Item, vd *verdict, err error) (SeriesOrder, error) {
	if err == nil {
		err = l.apply(ctx, it.ReplayID, *l.decided(it, vd))
	}
	return SeriesOrder{Decision: decisionSkip}, err
}

// bindInSeries binds an item of a series to its version.
func (l *Listener) bindInSeries(ctx context.Context, t *task, s domain.Series) (*verdict, error) {
	v, vd, err := l.version(ctx, t.it, s)
	if vd != nil || err != nil {
		return vd, err
	}
	// A version of the series is not stale because of a newer one of the same series.
	last, err := l.Log.Version(ctx, t.it.ResourceID, s.Versions[len(s.Versions)-1])
	if errors.Is(err, eventlog.ErrNotFound) {
		last, err = v, nil
	}
	if err == nil {
		vd, err = l.stale(ctx, t.it.ResourceID, last, t.req)
	}
	if vd != nil || err != nil {
		return vd, err
	}
	return l.bind(ctx, t, v, domain.At(last.Place()))
}

// order records that a version is about to start, and tells the Series state machine to start it.
func (l *Listener) order(ctx context.Context, it domain.Item, onFailure replay.OnFailure) (SeriesOrder, error) {
	row, err := l.Book.Executions.Get(ctx, it.Execution)
	if err != nil {
		return SeriesOrder{}, err
	}
	input, vd, err := l.input(ctx, row, maxSeriesInput)
	if err != nil {
		return SeriesOrder{}, err
	}
	if vd != nil {
		if it.Outcome == replay.Started { // an earlier order may have started it; otherwise it ends with the series
			return SeriesOrder{Decision: decisionSkip}, nil
		}
		return l.end(ctx, it, vd, l.neverStarted(ctx, row.Name, vd.reason))
	}
	vd = started(l.Machine.ExecutionARN(row.Name))
	if err := l.apply(ctx, it.ReplayID, *l.decided(it, vd)); err != nil {
		return SeriesOrder{}, err
	}
	decision := decisionRun
	if onFailure == replay.ContinueOnFailure {
		decision = decisionContinue
	}
	return SeriesOrder{Decision: decision, Name: row.Name, Input: input}, nil
}
