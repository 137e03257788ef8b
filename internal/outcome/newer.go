package outcome

import (
	"context"
	"errors"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
)

type publications interface {
	Find(ctx context.Context, resourceIDs []string) ([]domain.Publication, error)
}

// Successes finds out whether a newer event of a failure's resource has succeeded.
type Successes struct {
	superseding  *Superseding
	publications publications
}

// NewSuccesses returns a Successes.
func NewSuccesses(executions executions, publications publications) *Successes {
	return &Successes{superseding: NewSuperseding(nil, executions), publications: publications}
}

// NewerSuccess returns for each failure when, at the latest, a newer event of its resource had succeeded and was to be
// published; the zero time if none has. It reads the publication place once for each resource. If a newer event has
// been published, it also queries the resource's executions.
func (s *Successes) NewerSuccess(ctx context.Context, failures []domain.Failure) ([]domain.Stamp, error) {
	asked := map[string]bool{}
	var resources []string
	for _, f := range failures {
		if f.ResourceID != "" && !f.StartedAt.IsZero() && !asked[f.ResourceID] {
			asked[f.ResourceID] = true
			resources = append(resources, f.ResourceID)
		}
	}
	rows, err := s.publications.Find(ctx, resources)
	if err != nil {
		return nil, err
	}
	published := make(map[string]domain.Stamp, len(rows))
	for _, p := range rows {
		published[p.ResourceID] = p.Place
	}
	since, results := errs.EachWithinDeadline(ctx, failures, func(ctx context.Context, f domain.Failure) (domain.Stamp, error) {
		if f.StartedAt.IsZero() || !published[f.ResourceID].After(f.StartedAt.Time) {
			return domain.Stamp{}, nil
		}
		by, found, err := s.superseding.Succeeded(ctx, f.ResourceID, f.StartedAt.Time)
		if !found || err != nil {
			return domain.Stamp{}, err
		}
		return by.StoppedAt, nil
	})
	return since, errors.Join(results...)
}
