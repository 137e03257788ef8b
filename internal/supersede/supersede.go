// Package supersede answers whether a newer event of a resource has taken over from an older one.
package supersede

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
)

type eventLog interface {
	Newest(ctx context.Context, resourceID string) (eventlog.Version, error)
	Version(ctx context.Context, resourceID, versionID string) (eventlog.Version, error)
	Newer(ctx context.Context, resourceID, versionID string) iter.Seq2[eventlog.Version, error]
	Versions(ctx context.Context, resourceID, after string) iter.Seq2[eventlog.Version, error]
}

type book interface {
	Execution(ctx context.Context, name string) (ledger.Execution, error)
	History(ctx context.Context, resourceID string, from, to time.Time) (ledger.History, error)
}

// Judge compares versions of a resource.
type Judge struct {
	log  eventLog
	book book
}

// New returns a Judge.
func New(log eventLog, book book) *Judge {
	return &Judge{log: log, book: book}
}

// Responsible returns the newer version that is responsible for a resource now: its execution started later than the
// one that recorded the given version, and was not aborted. Found is false if the given version still is.
func (j *Judge) Responsible(ctx context.Context, resourceID, versionID string) (by eventlog.Version, found bool, err error) {
	if newest, err := j.newest(ctx, resourceID, versionID); newest || err != nil {
		return by, false, err
	}
	given, err := j.log.Version(ctx, resourceID, versionID)
	if err != nil {
		return by, false, err
	}
	for v, err := range j.log.Newer(ctx, resourceID, versionID) {
		if err != nil {
			return by, false, err
		}
		if !v.StartedAt.After(given.StartedAt) {
			continue
		}
		row, err := j.book.Execution(ctx, v.Execution)
		if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			return by, false, err
		}
		if row.Status != ledger.Aborted {
			return v, true, nil
		}
	}
	return by, false, nil
}

// clockSkew is more than the clocks of Step Functions and the functions differ.
const clockSkew = 15 * time.Second

// newest reports whether a version is surely the newest one that counts, as most are, without a list. It is not if the log
// has one after it; nor if it may be a second one of its execution, which counts where the first is: then an event that came
// in between is newer, and the ledger has it among those that were recorded since the execution started.
func (j *Judge) newest(ctx context.Context, resourceID, versionID string) (bool, error) {
	v, err := j.log.Newest(ctx, resourceID)
	switch {
	case errors.Is(err, eventlog.ErrNotFound): // its object was deleted
		return false, nil
	case err != nil || v.ID != versionID || v.StartedAt.IsZero():
		return false, err
	}
	h, err := j.book.History(ctx, resourceID, v.StartedAt.Add(-clockSkew), v.At().Add(clockSkew))
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(h.Executions, func(e ledger.Execution) bool { return e.VersionID != versionID }), nil
}

// Later returns a version whose execution started after a time and was not aborted: what is responsible instead of an
// event that never reached the log.
func (j *Judge) Later(ctx context.Context, resourceID string, startedAt time.Time) (by eventlog.Version, found bool, err error) {
	for v, err := range j.log.Versions(ctx, resourceID, "") {
		if err != nil {
			return by, false, err
		}
		if v.Modified.Before(startedAt.Truncate(time.Second)) { // S3 keeps whole seconds
			break
		}
		if v.Deleted || !v.StartedAt.After(startedAt) {
			continue
		}
		row, err := j.book.Execution(ctx, v.Execution)
		if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			return by, false, err
		}
		if row.Status != ledger.Aborted {
			return v, true, nil
		}
	}
	return by, false, nil
}

// OfFailure returns the version that is responsible for a failure's resource instead of the event that failed.
func (j *Judge) OfFailure(ctx context.Context, f ledger.Failure) (by eventlog.Version, found bool, err error) {
	switch {
	case f.VersionID != "":
		return j.Responsible(ctx, f.ResourceID, f.VersionID)
	case f.ResourceID != "" && !f.StartedAt.IsZero():
		return j.Later(ctx, f.ResourceID, f.StartedAt.Time)
	}
	return by, false, nil
}

// Published returns a newer version of which an event has been published, by its own execution or by a replay.
func (j *Judge) Published(ctx context.Context, resourceID, versionID string) (by eventlog.Version, found bool, err error) {
	if newest, err := j.newest(ctx, resourceID, versionID); newest || err != nil {
		return by, false, err
	}
	return j.newer(ctx, resourceID, versionID, func(e ledger.Execution) bool { return !e.PublishedAt.IsZero() })
}

// Succeeded returns a newer version of which an execution has succeeded, its own or a replay.
func (j *Judge) Succeeded(ctx context.Context, resourceID, versionID string) (by eventlog.Version, found bool, err error) {
	return j.newer(ctx, resourceID, versionID, func(e ledger.Execution) bool {
		return e.Status == ledger.Succeeded && !e.Superseded
	})
}

// newer returns a newer version that has an execution of a kind.
func (j *Judge) newer(ctx context.Context, resourceID, versionID string, is func(ledger.Execution) bool) (by eventlog.Version, found bool, err error) {
	newer := map[string]eventlog.Version{}
	var from, to time.Time
	for v, err := range j.log.Newer(ctx, resourceID, versionID) {
		if err != nil {
			return by, false, err
		}
		row, err := j.book.Execution(ctx, v.Execution) // strongly consistent, unlike the history below
		if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			return by, false, err
		}
		if err == nil && is(row) {
			return v, true, nil
		}
		newer[v.ID] = v
		if at := v.At(); from.IsZero() || at.Before(from) {
			from = at
		}
		if at := v.At(); at.After(to) {
			to = at
		}
	}
	if len(newer) == 0 {
		return by, false, nil
	}
	h, err := j.book.History(ctx, resourceID, from, to)
	if err != nil {
		return by, false, err
	}
	for _, e := range h.Executions {
		if v, ok := newer[e.VersionID]; ok && is(e) {
			return v, true, nil
		}
	}
	return by, false, nil
}
