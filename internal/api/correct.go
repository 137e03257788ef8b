package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/event/transform"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// correct accepts a correction: a replay of one version, whose execution records the corrected event.
func (a *API) correct(ctx context.Context, req request) (answer, error) {
	return a.submit(ctx, req, asked{correction, a.decodeCorrection})
}

// correction is what an Idempotency-Key of a correction stands for.
const correction = "correction"

func (a *API) decodeCorrection(ctx context.Context, body []byte, _ time.Time) (replay.Request, error) {
	r, err := replay.DecodeCorrection(body)
	if err != nil {
		return r, err
	}
	return r, a.parsable(ctx, r)
}

// withVersion puts the id of the version in a correction that is to change the latest, and refuses one that cannot be:
// the version is not there, a newer event has come, or the corrected event is not one.
func (a *API) withVersion(ctx context.Context, r replay.Request) (replay.Request, error) {
	resource := r.Select.ResourceIDs[0]
	latest, err := a.log.Latest(ctx, resource)
	switch {
	case errors.Is(err, eventlog.ErrNotFound):
		return r, notFound("the event log has no such resource")
	case errors.Is(err, eventlog.ErrDeleted):
		return r, refused("the object of the resource was deleted from the event log: send the event again if it is wanted")
	case err != nil:
		return r, err
	}
	version := latest
	if r.Versions.Mode == replay.VersionIDs {
		version, err = a.log.First(ctx, resource, r.Versions.IDs[0])
		if errors.Is(err, eventlog.ErrNotFound) {
			return r, noVersion
		}
		if err != nil {
			return r, err
		}
	}
	if version.ID != latest.ID && !r.AllowStale {
		return r, refused("version %s is newer than %s, recorded at %s: correct the newer one, or set allowStale to have "+
			"the corrected version become the latest", latest.ID, version.ID, latest.At().UTC().Format(time.RFC3339))
	}
	if !r.AllowStale {
		by, err := a.book.Executions.Corrector(ctx, resource, version.ID)
		if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			return r, err
		}
		if err == nil && !by.RecordedNothing() {
			return r, refused("%s", domain.CorrectedBy(by))
		}
	}
	r.Versions = replay.Versions{Mode: replay.VersionIDs, IDs: []string{version.ID}, OnFailure: replay.StopOnFailure}
	return r, a.corrects(ctx, r, version.ID)
}

// corrects reports why a correction makes no other event of a version.
func (a *API) corrects(ctx context.Context, r replay.Request, versionID string) error {
	event, err := a.log.Event(ctx, r.Select.ResourceIDs[0], versionID)
	switch {
	case errors.Is(err, eventlog.ErrNotFound):
		return noVersion
	case errors.Is(err, eventlog.ErrNotAnEvent):
		return notAnEvent
	case err != nil:
		return err
	case !isEvent(event):
		return notAnEvent
	}
	patch, err := transform.New(ctx, r.Transform, nil)
	if err != nil {
		return err
	}
	fault := func(value, detail string) error {
		return &replay.InvalidError{Faults: []replay.Fault{{Field: "transform", Value: value, Detail: detail}}}
	}
	corrected, err := a.reader.Patch(ctx, patch, r.Select.ResourceIDs[0], event)
	if err != nil {
		return fault("", fmt.Sprintf("cannot be applied to version %s: %v: change the patch", versionID, err))
	}
	if diff, err := transform.Diff(event, corrected); err == nil && string(diff) == "[]" { // else it is too large to show
		return fault("", fmt.Sprintf("changes nothing in version %s: nothing is to be corrected", versionID))
	}
	return nil
}
