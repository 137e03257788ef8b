package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	smithytime "github.com/aws/smithy-go/time"

	"github.com/ce873799/replayable-ingestion/replay/client"
)

// pauses has some of the replays that were asked for paused for a moment, some of them twice, one while all are. What is
// not resumed here, because the API did not answer, is when it gets calm.
func (r *run) pauses(ctx context.Context, random *rand.Rand) error {
	for _, id := range r.replaysAsked() {
		if random.Float64() > 0.3 {
			continue
		}
		if err := r.try(ctx, http.MethodPost, "/replays/"+id+"/pause", `{"reason":"chaos"}`); err != nil {
			return err
		}
		r.counters.add("replay paused", 1)
		if err := smithytime.SleepWithContext(ctx, time.Duration(random.IntN(2000))*time.Millisecond); err != nil {
			return err
		}
		if err := r.try(ctx, http.MethodPost, "/replays/"+id+"/resume", ""); err != nil {
			return err
		}
	}
	if err := r.try(ctx, http.MethodPatch, "/controls", `{"pauseReplays":true,"pauseAutoReplay":true,"reason":"chaos"}`); err != nil {
		return err
	}
	r.counters.add("everything paused", 1)
	if err := smithytime.SleepWithContext(ctx, time.Second); err != nil {
		return err
	}
	return r.try(ctx, http.MethodPatch, "/controls", `{"pauseReplays":false,"pauseAutoReplay":false}`)
}

// resumeAll resumes whatever is paused. It may be called again.
func (r *run) resumeAll(ctx context.Context) error {
	errs := []error{r.try(ctx, http.MethodPatch, "/controls", `{"pauseReplays":false,"pauseAutoReplay":false}`)}
	for _, id := range r.replaysAsked() {
		errs = append(errs, r.try(ctx, http.MethodPost, "/replays/"+id+"/resume", ""))
	}
	return errors.Join(errs...)
}

func (r *run) replaysAsked() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []string
	for _, reason := range sorted(r.asked) {
		ids = append(ids, r.asked[reason])
	}
	return ids
}

// try makes a call that may be repeated until it is answered. That a replay has ended is an answer.
func (r *run) try(ctx context.Context, method, path, body string) error {
	_, err := r.until(ctx, method, path, "", body, http.StatusOK, http.StatusConflict)
	return err
}

// until makes a call, under an idempotency key if there is one, until it is answered with one of some statuses.
func (r *run) until(ctx context.Context, method, path, key, body string, statuses ...int) (client.Response, error) {
	header := http.Header{}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	var last client.Response
	for range 20 {
		ans, err := r.API.Do(ctx, client.Request{Method: method, Path: path, Header: header, Body: []byte(body)})
		if err != nil || slices.Contains(statuses, ans.Status) {
			return ans, err
		}
		if last = ans; ans.Status < http.StatusInternalServerError {
			break
		}
		r.counters.add("request to the API answered with 5xx", 1)
		if err := smithytime.SleepWithContext(ctx, 500*time.Millisecond); err != nil {
			return ans, err
		}
	}
	return last, fmt.Errorf("%s %s %s: status %d: %s", method, path, key, last.Status, last.Body)
}
