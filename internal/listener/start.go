package listener

import (
	"context"
	"errors"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/envelope"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
)

// start starts the execution that a row announces, with the event of its version.
func (l *Listener) start(ctx context.Context, row ledger.Execution) (arn string, err error) {
	event, err := l.Log.Event(ctx, row.ResourceID, row.VersionID)
	if errors.Is(err, eventlog.ErrNotFound) {
		return "", fmt.Errorf("%w: version %s is no longer in the event log", errNoVersion, row.VersionID)
	}
	if err != nil {
		return "", err
	}
	header := envelope.Header{
		Mode: string(row.Mode), ReplayID: row.ReplayID, ResourceID: row.ResourceID, VersionID: row.VersionID,
		Attempt: row.Attempt, Reason: row.Reason,
	}
	input, err := envelope.Build(header, event)
	if errors.Is(err, envelope.ErrTooLarge) {
		header.EventKey = eventlog.DerivedKey(row.Name)
		if err := l.Log.PutObject(ctx, header.EventKey, event); err != nil {
			return "", err
		}
		input, err = envelope.Build(header, nil)
	}
	if err != nil {
		return "", err
	}
	arn, err = l.Machine.Start(ctx, row.Name, input)
	if err == nil {
		l.Logger.InfoContext(ctx, "replay started", "execution", row.Name, "mode", row.Mode, "resourceId", row.ResourceID,
			"versionId", row.VersionID, "replayId", row.ReplayID, "attempt", row.Attempt)
	}
	return arn, err
}
