package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

// evidence returns the evidence of a replay that has ended. A replay that ended before there was evidence gets it at
// the first request.
func (a *API) evidence(ctx context.Context, req request) (answer, error) {
	row, err := a.find(ctx, req)
	if err != nil {
		return answer{}, err
	}
	switch {
	case row.DryRun:
		return answer{}, notFound("replay %s is a dry run, which has no evidence", row.ID)
	case !row.Status.Final():
		return answer{}, refused("replay %s is %s: its evidence is written when it has ended", row.ID, row.Status)
	case row.Evidence == "":
		body := protocol.ReplayMessage{Kind: protocol.KindEvidence, ReplayID: row.ID}.Encode()
		if err := a.queue.Send(ctx, body); err != nil { // one that finds another at work does nothing
			return answer{}, err
		}
		return answer{}, refused("the evidence of replay %s is being written: ask again in some seconds", row.ID)
	}
	body, err := a.log.Object(ctx, eventlog.EvidenceKey(row.ID))
	if errors.Is(err, eventlog.ErrNotFound) {
		return answer{}, notFound("the evidence of replay %s was deleted from the bucket; the digest of its items was %s",
			row.ID, replay.Shorten(row.Evidence))
	}
	return answer{status: http.StatusOK, raw: body}, err
}
