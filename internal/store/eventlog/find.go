package eventlog

import (
	"context"
	"fmt"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// First returns the version of the execution that recorded a version: the version itself, or an older one that names
// the same execution and counts in its place. It returns ErrNotFound if the resource does not have that version.
func (l *Log) First(ctx context.Context, resourceID, versionID string) (Version, error) {
	key, err := replay.EventKey(resourceID)
	if err != nil {
		return Version{}, err
	}
	first, err := l.Version(ctx, resourceID, versionID)
	if err != nil || first.Execution == "" {
		return first, err
	}
	oldest := first.StartedAt.Add(-ClockSkew)
	for v, err := range l.raw(ctx, key, versionID, time.Time{}) {
		if err != nil {
			return Version{}, err
		}
		if v.Modified.Before(oldest) {
			break
		}
		if v.Execution == first.Execution {
			first = v
		}
	}
	return first, nil
}

// FindExecution returns the version that an execution recorded, the oldest if there are several, and ErrNotFound if
// there is none. startedAt is when the execution started: older versions are not read.
func (l *Log) FindExecution(ctx context.Context, resourceID, execution string, startedAt time.Time) (Version, error) {
	return l.FindEnded(ctx, resourceID, execution, startedAt, time.Time{})
}

// FindEnded is FindExecution for an execution that ended, or recorded its version, at a given time. Newer versions are
// only listed, without their metadata. With a zero time, the execution may still record one.
func (l *Log) FindEnded(
	ctx context.Context, resourceID, execution string, startedAt, endedAt time.Time,
) (found Version, err error) {
	key, err := replay.EventKey(resourceID)
	if err != nil {
		return Version{}, err
	}
	if !endedAt.IsZero() {
		endedAt = endedAt.Add(LateAfter) // an attempt that timed out may write late
	}
	for v, err := range l.raw(ctx, key, "", endedAt) {
		if err != nil {
			return Version{}, err
		}
		if v.Modified.Before(startedAt.Add(-ClockSkew)) {
			break
		}
		if v.Execution == execution {
			found = v
		}
	}
	if found.ID == "" {
		return Version{}, fmt.Errorf("version of execution %q: %w", execution, ErrNotFound)
	}
	return found, nil
}
