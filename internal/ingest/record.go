// Package ingest has the two states that the construct adds to every workflow. Record is the first: it keeps the event
// before anything else happens to it. Publish is the last.
package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/internal/aws/emf"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// eventLog is the part of the event log that Record uses.
type eventLog interface {
	Put(ctx context.Context, resourceID string, event []byte, meta eventlog.Meta) (string, error)
	FindExecution(ctx context.Context, resourceID, execution string, startedAt time.Time) (eventlog.Version, error)
	DeletedSince(ctx context.Context, resourceID string, place time.Time) (bool, error)
	Object(ctx context.Context, key string) ([]byte, error)
}

// executions and owners are the parts of the ledger that Record uses.
type executions interface {
	Get(ctx context.Context, name string) (domain.Execution, error)
	Add(ctx context.Context, e domain.Execution) (domain.Execution, error)
	MarkRunning(ctx context.Context, r domain.Recorded) (domain.Execution, error)
	SetRecorded(ctx context.Context, r domain.Recorded) (domain.Execution, error)
}

type owners interface {
	Note(ctx context.Context, ownerID, resourceID string, at domain.Stamp) error
}

// EventRecorder handles the Record state.
type EventRecorder struct {
	log        eventLog
	executions executions
	owners     owners
	reader     Reader
	logger     *slog.Logger
	meter      *emf.Meter
	now        func() time.Time
}

// NewEventRecorder returns an EventRecorder. A nil logger discards, a nil meter counts nothing.
func NewEventRecorder(
	log eventLog, executions executions, owners owners, reader Reader, logger *slog.Logger, meter *emf.Meter,
) *EventRecorder {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &EventRecorder{
		log: log, executions: executions, owners: owners, reader: reader, logger: logger, meter: meter, now: time.Now,
	}
}

// Timed has the recorder read another clock than the machine's.
func (r *EventRecorder) Timed(now func() time.Time) *EventRecorder {
	r.now = now
	return r
}

// Handle records a live event, or accepts a replay, and hands the event on unchanged. Its errors carry the names of
// package errs: InvalidEvent, EventTooLarge, IngestionServiceUnavailable or IngestionError.
func (r *EventRecorder) Handle(ctx context.Context, in protocol.RecordInput) (protocol.RecordOutput, error) {
	handle, done := r.live, "event recorded"
	if protocol.IsReserved(in.Input) {
		handle, done = r.replay, "replay accepted"
	}
	out, err := errs.WithinDeadline(ctx, func(ctx context.Context) (protocol.RecordOutput, error) { return handle(ctx, in) })
	if err != nil {
		r.logger.Log(ctx, errs.Level(err), "event not recorded", "execution", in.Execution.Name, "error", err)
		return protocol.RecordOutput{}, errs.Name(err)
	}
	r.logger.InfoContext(ctx, done, "execution", in.Execution.Name, "resourceId", out.Ingestion.ResourceID,
		"versionId", out.Ingestion.VersionID)
	return out, nil
}

func (r *EventRecorder) live(ctx context.Context, in protocol.RecordInput) (protocol.RecordOutput, error) {
	return r.record(ctx, in, false)
}

// record records a live event, or a correction.
func (r *EventRecorder) record(ctx context.Context, in protocol.RecordInput, correction bool) (protocol.RecordOutput, error) {
	in.Input = compact(in.Input)
	ids, err := r.reader.Read(in.Input)
	if err != nil {
		return protocol.RecordOutput{}, err
	}
	row, wrote, err := r.version(ctx, in, ids, correction)
	if err != nil {
		return protocol.RecordOutput{}, err
	}
	row, err = r.enter(ctx, row, wrote)
	if err != nil {
		return protocol.RecordOutput{}, err
	}
	return output(in.Input, row), nil
}

// version finds or writes the version of a live event. Only a repeated attempt looks for one first: usually there is
// none, and the look costs a request. Wrote tells that the version is this attempt's.
func (r *EventRecorder) version(
	ctx context.Context, in protocol.RecordInput, ids IDs, correction bool,
) (row domain.Execution, wrote bool, err error) {
	ex := in.Execution
	row = domain.Execution{
		Name: ex.Name, ARN: ex.ARN, Mode: domain.Live, Status: domain.Running,
		ResourceID: ids.ResourceID, OwnerID: ids.OwnerID,
		StartedAt: domain.At(ex.StartTime), RedriveCount: ex.RedriveCount,
	}
	var corrects eventlog.Correction
	if domain.IsReplayName(ex.Name) {
		announced, err := r.announced(ctx, row)
		if err != nil {
			return row, false, err
		}
		replay := announced.Name != "" && announced.Mode != domain.Live
		if replay && (!announced.Records() || (announced.Corrects != "") != correction) {
			return row, false, taken(row.Name)
		}
		row.Place = announced.Place
		if correction {
			corrects = eventlog.Correction{
				Of: announced.Corrects, By: announced.RequestedBy, Reason: announced.Reason, ReplayID: announced.ReplayID,
			}
		}
	}
	if in.Repeated() {
		if present, err := r.executions.Get(ctx, ex.Name); err == nil && present.VersionID != "" {
			row.VersionID, row.RecordedAt = present.VersionID, present.RecordedAt // cheaper than the log of a busy resource
			return row, false, nil
		} else if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			return row, false, err
		}
		v, err := r.log.FindExecution(ctx, ids.ResourceID, ex.Name, ex.StartTime)
		if err == nil {
			row.VersionID, row.RecordedAt = v.ID, domain.At(v.RecordedAt)
			return row, false, r.own(ctx, row)
		}
		if !errors.Is(err, eventlog.ErrNotFound) {
			return row, false, err
		}
	}
	row.RecordedAt = domain.At(r.now())
	group, gctx := errgroup.WithContext(ctx)
	owned := row // the other one sets the version
	group.Go(func() error { return r.own(gctx, owned) })
	group.Go(func() (err error) {
		meta := eventlog.Meta{
			Execution: ex.Name, OwnerID: ids.OwnerID, RecordedAt: row.RecordedAt.Time, StartedAt: ex.StartTime,
			FirstStartedAt: row.Place.Time, Correction: corrects,
		}
		row.VersionID, err = r.log.Put(gctx, ids.ResourceID, in.Input, meta)
		return err
	})
	if err := group.Wait(); err != nil || !in.Repeated() {
		return row, true, err
	}
	// What an earlier attempt wrote may have come between the look and the write. It is older, and counts.
	v, err := r.log.FindExecution(ctx, ids.ResourceID, ex.Name, ex.StartTime)
	if err == nil {
		wrote = v.ID == row.VersionID
		row.VersionID, row.RecordedAt = v.ID, domain.At(v.RecordedAt)
	}
	return row, wrote, err
}

// announced returns the row of an event that has a place before it is recorded: its first execution failed before it
// could be, or it is a correction. It is the zero row for another. What was deleted after that place stays deleted.
func (r *EventRecorder) announced(ctx context.Context, row domain.Execution) (announced domain.Execution, err error) {
	announced, err = r.executions.Get(ctx, row.Name)
	if errors.Is(err, ledger.ErrNotFound) {
		return domain.Execution{}, nil
	}
	if err != nil || announced.Place.IsZero() || announced.VersionID != "" {
		return announced, err
	}
	gone, err := r.log.DeletedSince(ctx, row.ResourceID, announced.Place.Time)
	if gone {
		err = errs.New(errs.ResourceDeleted, "the object of resource %q was deleted from the event log after the event "+
			"had started at %s: send the event again if it is still wanted", row.ResourceID, announced.Place)
	}
	return announced, err
}

func (r *EventRecorder) own(ctx context.Context, row domain.Execution) error {
	if row.OwnerID == "" {
		return nil
	}
	return r.owners.Note(ctx, row.OwnerID, row.ResourceID, row.RecordedAt)
}

// enter writes the execution's row. If there is one, an earlier attempt wrote it, or it was announced for a replay that
// records its event.
func (r *EventRecorder) enter(ctx context.Context, row domain.Execution, wrote bool) (domain.Execution, error) {
	present, err := r.executions.Add(ctx, row)
	switch {
	case err == nil:
		r.meter.Add(schema.Recorded, 1)
		return row, nil
	case !errors.Is(err, ledger.ErrConflict):
		return row, err
	case present.Mode == domain.Live && present.VersionID != "":
		if present.VersionID == row.VersionID && wrote { // entered by this attempt: the answer to a first try was lost
			r.meter.Add(schema.Recorded, 1)
		}
		return present, nil // counts once: the version that was entered first
	case !present.Records():
		return row, taken(row.Name)
	case present.VersionID != "":
		return present, nil
	}
	recorded := domain.Recorded{
		Name: row.Name, ARN: row.ARN, StartedAt: row.StartedAt.Time, ResourceID: row.ResourceID,
		OwnerID: row.OwnerID, VersionID: row.VersionID, RecordedAt: row.RecordedAt.Time,
	}
	marked, err := r.executions.MarkRunning(ctx, recorded)
	if errors.Is(err, ledger.ErrConflict) { // redriven: its row has a later status, and keeps it
		marked, err = r.executions.SetRecorded(ctx, recorded)
	}
	if err == nil {
		r.meter.Add(schema.Recorded, 1)
	}
	return marked, err
}

func taken(name string) error {
	return errs.New(errs.InvalidEvent, "the execution name %q belongs to a replay: start the event under another name", name)
}

// replay accepts an envelope if the listener or auto-replay announced it in the ledger, and refuses it as forged
// otherwise. It writes no version, or the history would fill with copies of itself, unless it is a correction.
func (r *EventRecorder) replay(ctx context.Context, in protocol.RecordInput) (protocol.RecordOutput, error) {
	none := protocol.RecordOutput{}
	header, event, err := protocol.ParseEnvelope(in.Input)
	if err != nil {
		return none, forged(in, err.Error())
	}
	row, err := r.executions.Get(ctx, in.Execution.Name)
	if errors.Is(err, ledger.ErrNotFound) {
		return none, forged(in, "no replay was announced under this execution name")
	}
	if err != nil {
		return none, err
	}
	if why := mismatch(header, row); why != "" {
		return none, forged(in, why)
	}
	if header.EventKey != "" {
		if event, err = r.log.Object(ctx, header.EventKey); err != nil {
			return none, err
		}
	}
	if row.Corrects != "" {
		in.Input = event
		return r.record(ctx, in, true)
	}
	marked, err := r.executions.MarkRunning(ctx, domain.Recorded{
		Name: row.Name, ARN: in.Execution.ARN, StartedAt: in.Execution.StartTime,
	})
	if err != nil && !errors.Is(err, ledger.ErrConflict) { // a redriven execution's row has a later status: it keeps it
		return none, err
	}
	if err == nil {
		row = marked
	}
	return output(event, row), nil
}

func mismatch(h protocol.EnvelopeHeader, row domain.Execution) string {
	switch {
	case row.Mode != domain.API && row.Mode != domain.Auto, string(row.Mode) != h.Mode:
		return fmt.Sprintf("it says mode %q, what was announced is %q", h.Mode, row.Mode)
	case row.Corrects != h.CorrectionOf || row.Corrects != "" && h.EventKey == "":
		return "it names another correction than what was announced"
	case row.ResourceID != h.ResourceID || row.Corrects == "" && row.VersionID != h.VersionID:
		return "it names another version than what was announced"
	case row.ReplayID != h.ReplayID || row.Attempt != h.Attempt:
		return "it names another replay than what was announced"
	case h.EventKey != "" && h.EventKey != eventlog.DerivedKey(row.Name):
		return "it points to an event of another execution"
	}
	return ""
}

func forged(in protocol.RecordInput, why string) error {
	return errs.New(errs.InvalidEvent, "the input has the reserved key \"replayableIngestion\", which only replays may "+
		"carry, and %s: remove the key from the event (execution %s)", why, in.Execution.Name)
}

func output(event json.RawMessage, row domain.Execution) protocol.RecordOutput {
	in := protocol.IngestionContext{ResourceID: row.ResourceID, VersionID: row.VersionID, RecordedAt: row.RecordedAt.Time}
	if row.OwnerID != "" {
		in.OwnerID = &row.OwnerID
	}
	if row.Mode != domain.Live {
		mode := row.Mode
		if mode == domain.Restart {
			mode = domain.Auto
		}
		in.Replay = &protocol.ReplayContext{
			Mode: string(mode), ReplayID: row.ReplayID, Attempt: row.Attempt, Reason: row.Reason, CorrectionOf: row.Corrects,
		}
	}
	return protocol.RecordOutput{Event: event, Ingestion: in}
}

// compact takes the white space between tokens out of an event: the log keeps the event's text, and every service on
// the way may lay it out anew.
func compact(raw []byte) []byte {
	var buf bytes.Buffer
	if json.Compact(&buf, raw) != nil {
		return raw
	}
	return buf.Bytes()
}
