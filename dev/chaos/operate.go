package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

const (
	// corrections is how many resources are corrected at each level, the failed ones first.
	corrections = 6
	// correctedTwice is how many of them are corrected twice at once.
	correctedTwice = 2
	// closings is how many failures are closed at each level.
	closings = 3
)

// operate does what an operator decides after an outage, with everything still misbehaving: events are corrected, some
// of them twice at once, failures are closed, and some of those reopened.
func (r *run) operate(ctx context.Context, random *rand.Rand, what string, resources []string) error {
	if err := r.correct(ctx, random, what, resources); err != nil {
		return err
	}
	rows, err := r.Rows(ctx)
	if err != nil {
		return err
	}
	var closed []string
	for _, f := range closable(rows.Failures, random) {
		job, err := r.job(ctx, "close", fmt.Sprintf("%s: close %s of %s", what, f.ListedAs(), f.ResourceID),
			map[string]any{"status": f.ListedAs(), "resourceId": f.ResourceID})
		if err != nil {
			return err
		}
		closed = append(closed, job)
	}
	if len(closed) == 0 {
		return nil
	}
	_, err = r.job(ctx, "reopen", what+": reopen", map[string]any{"jobId": closed[random.IntN(len(closed))]})
	return err
}

// closable draws the failures that are closed. Most go on: a run without automatic replays would prove little.
func closable(failures map[string]domain.Failure, random *rand.Rand) []domain.Failure {
	var drawn []domain.Failure
	for _, id := range slices.Sorted(maps.Keys(failures)) {
		if f := failures[id]; f.ResourceID != "" && (f.Status == domain.Waiting || f.Status == domain.Quarantined) {
			drawn = append(drawn, f)
		}
	}
	random.Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	return drawn[:min(len(drawn), closings)]
}

func (r *run) correct(ctx context.Context, random *rand.Rand, what string, resources []string) error {
	rows, err := r.Rows(ctx)
	if err != nil {
		return err
	}
	failed := map[string]bool{}
	for _, f := range rows.Failures {
		if f.VersionID != "" && f.Unsettled() {
			failed[f.ResourceID] = true
		}
	}
	picked := sorted(failed)
	random.Shuffle(len(picked), func(i, j int) { picked[i], picked[j] = picked[j], picked[i] })
	for _, i := range random.Perm(len(resources)) {
		if !failed[resources[i]] {
			picked = append(picked, resources[i])
		}
	}
	for i, id := range picked[:min(len(picked), corrections)] {
		times := 1
		if i < correctedTwice {
			times = 2
		}
		for n := range times {
			if err := r.correctOne(ctx, fmt.Sprintf("%s: correction %d of %s", what, n+1, id), id); err != nil {
				return err
			}
		}
	}
	return nil
}

// correctOne corrects the latest event of a resource, if it has one by now.
func (r *run) correctOne(ctx context.Context, reason, resource string) error {
	body, err := json.Marshal(map[string]any{
		"resourceId": resource, "reason": reason,
		"transform": map[string]any{"mergePatch": map[string]any{"listing": map[string]any{"corrected": reason}}},
	})
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	ans, err := r.until(ctx, http.MethodPost, "/versions", reason, string(body),
		http.StatusAccepted, http.StatusNotFound, http.StatusConflict)
	if err != nil || ans.Status != http.StatusAccepted {
		return err
	}
	return r.accepted(reason, ans, "event corrected")
}

// job closes or reopens failures, and returns the job.
func (r *run) job(ctx context.Context, action, reason string, selection map[string]any) (string, error) {
	body, err := json.Marshal(map[string]any{"select": selection, "reason": reason})
	if err != nil {
		return "", fmt.Errorf("encode request: %w", err)
	}
	ans, err := r.until(ctx, http.MethodPost, "/failures/"+action, reason, string(body), http.StatusAccepted)
	if err != nil {
		return "", err
	}
	r.counters.add("failures to "+action, 1)
	var job replay.FailureJob
	if err := json.Unmarshal(ans.Body, &job); err != nil {
		return "", fmt.Errorf("decode answer: %w", err)
	}
	return job.JobID, nil
}
