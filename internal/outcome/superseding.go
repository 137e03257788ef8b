package outcome

// Superseding finds out whether a newer event of a resource supersedes an older one.

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

type eventLog interface {
	Newest(ctx context.Context, resourceID string) (eventlog.Version, error)
	First(ctx context.Context, resourceID, versionID string) (eventlog.Version, error)
	Versions(ctx context.Context, resourceID, cursor string) iter.Seq2[eventlog.Version, error]
}

type executions interface {
	Get(ctx context.Context, name string) (domain.Execution, error)
	History(ctx context.Context, resourceID string, from, to time.Time) (domain.History, error)
	Latest(ctx context.Context, resourceID string, since time.Time) iter.Seq2[domain.Execution, error]
}

// Superseding compares events of a resource by their places: when the first execution of each started.
type Superseding struct {
	log        eventLog
	executions executions
}

// NewSuperseding returns a Superseding over the event log and the ledger.
func NewSuperseding(log eventLog, executions executions) *Superseding {
	return &Superseding{log: log, executions: executions}
}

// Responsible returns the newer version that is responsible for a resource now: its place is after that of the given
// version, and its execution was not aborted. Found is false if the given version still is. It returns
// eventlog.ErrNotFound if the version does not exist, and eventlog.ErrDeleted if the resource was deleted after it.
func (s *Superseding) Responsible(
	ctx context.Context, resourceID, versionID string,
) (by eventlog.Version, found bool, err error) {
	if newest, err := s.newest(ctx, resourceID, versionID); newest || err != nil {
		return by, false, err
	}
	given, err := s.log.First(ctx, resourceID, versionID)
	if err != nil {
		return by, false, err
	}
	return s.later(ctx, resourceID, given.Place(), func(v eventlog.Version) bool { return v.ID == given.ID })
}

// newest reports, without a list, whether a version is certainly the newest one that counts. Most versions are. It is
// not certain if S3 has one after it, or if it reached the log late. Nor is it if the version may be a second one of
// its execution, or a later event was recorded before it. Then the ledger has another version that was recorded since
// the execution started.
func (s *Superseding) newest(ctx context.Context, resourceID, versionID string) (bool, error) {
	v, err := s.log.Newest(ctx, resourceID)
	switch {
	case errors.Is(err, eventlog.ErrNotFound): // its object was deleted
		return false, nil
	case err != nil || v.ID != versionID || v.StartedAt.IsZero() || !v.FirstStartedAt.IsZero():
		return false, err
	}
	recorded := v.At()
	if v.StartedAt.After(recorded) { // by another clock; a range must not end before it begins
		recorded = v.StartedAt
	}
	h, err := s.executions.History(ctx, resourceID, v.StartedAt.Add(-eventlog.ClockSkew), recorded.Add(eventlog.ClockSkew))
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(h.Executions, func(e domain.Execution) bool { return e.VersionID != versionID }), nil
}

// Later returns a version whose place is after a time and whose execution was not aborted. It supersedes an event that
// never reached the log. Later returns eventlog.ErrDeleted if the resource was deleted after that time.
func (s *Superseding) Later(
	ctx context.Context, resourceID string, place time.Time,
) (by eventlog.Version, found bool, err error) {
	return s.later(ctx, resourceID, place.Truncate(time.Millisecond), func(eventlog.Version) bool { return false })
}

// maxAborted is the number of newer versions with an aborted execution that are read. After that many, no version
// supersedes the event.
const maxAborted = 100

// later looks for a version after a place, newest first. It stops when is reports that a version is the event itself.
func (s *Superseding) later(
	ctx context.Context, resourceID string, place time.Time, is func(eventlog.Version) bool,
) (by eventlog.Version, found bool, err error) {
	looked := 0
	for v, err := range s.log.Versions(ctx, resourceID, "") {
		if err != nil {
			return by, false, err
		}
		if v.Deleted {
			if !v.Modified.Before(place.Add(-eventlog.ClockSkew)) { // what was stored within seconds of it counts as deleted
				return by, false, fmt.Errorf("resource %q: %w", resourceID, eventlog.ErrDeleted)
			}
			continue
		}
		if is(v) || looked > maxAborted || v.Place().Before(place.Add(-2*eventlog.ClockSkew)) {
			break
		}
		if !v.Place().After(place) {
			continue // a delete marker may follow
		}
		looked++
		row, err := s.executions.Get(ctx, v.Execution)
		if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			return by, false, err
		}
		if row.Status != domain.Aborted {
			return v, true, nil
		}
	}
	return by, false, nil
}

// SupersederOf returns the version that is responsible for a failure's resource instead of the event that failed.
func (s *Superseding) SupersederOf(ctx context.Context, f domain.Failure) (by eventlog.Version, found bool, err error) {
	switch {
	case f.VersionID != "":
		return s.Responsible(ctx, f.ResourceID, f.VersionID)
	case f.ResourceID != "" && !f.StartedAt.IsZero():
		return s.Later(ctx, f.ResourceID, f.StartedAt.Time)
	}
	return by, false, nil
}

// Needless returns how to close or quarantine a failure that needs no automatic replay, nil if it needs one. It needs
// none if its event is gone from the log, or if a newer event is responsible and supersedes older ones.
func (s *Superseding) Needless(ctx context.Context, f domain.Failure, supersedeOlder bool) (*domain.Move, error) {
	by, newer, err := s.SupersederOf(ctx, f)
	switch {
	case errors.Is(err, eventlog.ErrNotFound):
		return &domain.Move{To: domain.Quarantined, Decision: "its version is no longer in the event log"}, nil
	case errors.Is(err, eventlog.ErrDeleted):
		return &domain.Move{To: domain.Quarantined, Decision: eventlog.WasDeleted}, nil
	case err != nil || !newer || !supersedeOlder:
		return nil, err
	}
	why := fmt.Sprintf("version %s, recorded by %s, is newer", by.ID, by.Execution)
	return &domain.Move{To: domain.Superseded, Decision: why}, nil
}

// Succeeded returns an execution of a newer event that has succeeded and was to be published. It checks the latest
// ledger.MaxHistory executions of the resource.
func (s *Superseding) Succeeded(
	ctx context.Context, resourceID string, place time.Time,
) (by domain.Execution, found bool, err error) {
	for e, err := range s.executions.Latest(ctx, resourceID, place.Add(-eventlog.ClockSkew)) { // by when they were recorded
		if err != nil {
			return by, false, err
		}
		done := e.Status == domain.Succeeded && !e.Superseded && !e.Suppress
		if done && e.Placed().After(place) {
			return e, true, nil
		}
	}
	return by, false, nil
}
