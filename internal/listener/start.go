package listener

import (
	"cmp"
	"context"
	"errors"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

// start starts the execution that a row announces.
func (l *Listener) start(ctx context.Context, row domain.Execution) (arn string, vd *verdict, err error) {
	input, vd, err := l.input(ctx, row, replay.MaxExecutionInputBytes)
	if vd != nil || err != nil {
		return "", vd, err
	}
	arn, err = l.startOn(ctx, l.Machine, row.Name, input)
	if err == nil {
		l.Logger.InfoContext(ctx, "replay started", "execution", row.Name, "mode", row.Mode, "resourceId", row.ResourceID,
			"versionId", cmp.Or(row.VersionID, row.Corrects), "replayId", row.ReplayID, "attempt", row.Attempt,
			"unrecorded", row.Unrecorded || row.Mode == domain.Restart)
	}
	return arn, nil, err
}

// input returns the input of the execution that a row announces: the kept input of an event that was never recorded, or
// the event of its version in an envelope. An event that a transform changed, or that would make the input larger than
// maxBytes, is stored under derived/, and the envelope refers to it. Record reads it from there byte for byte, since
// Step Functions may change how numbers are written.
func (l *Listener) input(ctx context.Context, row domain.Execution, maxBytes int) ([]byte, *verdict, error) {
	if row.Unrecorded || row.Mode == domain.Restart {
		return l.keptInput(ctx, row)
	}
	of := row // the row of the version that it runs
	of.VersionID = cmp.Or(row.Corrects, row.VersionID)
	event, vd, err := l.event(ctx, of.ResourceID, of.VersionID)
	if vd != nil || err != nil {
		return nil, vd, err
	}
	header := protocol.EnvelopeHeader{
		Mode: string(row.Mode), ReplayID: row.ReplayID, ResourceID: row.ResourceID, VersionID: of.VersionID,
		Attempt: row.Attempt, Reason: row.Reason,
	}
	if row.Corrects != "" {
		header.VersionID, header.CorrectionOf = "", row.Corrects
	}
	if row.Patched || row.Corrects != "" {
		req, err := l.request(ctx, row.ReplayID)
		if err != nil {
			return nil, nil, err
		}
		if event, vd, err = l.recordable(ctx, of, req, event); vd != nil || err != nil {
			return nil, vd, err
		}
	} else {
		input, err := protocol.BuildEnvelope(header, event)
		if err == nil && len(input) <= maxBytes {
			return input, nil, nil
		}
		if err != nil && !errors.Is(err, protocol.ErrEnvelopeTooLarge) {
			return nil, nil, err
		}
	}
	header.EventKey = eventlog.DerivedKey(row.Name)
	if err := l.Log.PutObject(ctx, header.EventKey, event); err != nil {
		return nil, nil, err
	}
	input, err := protocol.BuildEnvelope(header, nil)
	return input, nil, err
}

// startOn starts an execution. If that is throttled, all replays give way.
func (l *Listener) startOn(ctx context.Context, m *sfn.Machine, name string, input []byte) (arn string, err error) {
	arn, err = m.Start(ctx, name, input)
	if err != nil && errs.Throttled(err) {
		l.giveWay(ctx)
	}
	return arn, err
}
