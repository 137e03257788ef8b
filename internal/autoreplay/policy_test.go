package autoreplay

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

var (
	now    = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	policy = Policy{
		Enabled: true, Errors: domain.RetryPolicy{RetryOn: domain.DefaultRetryOn()}, MaxAttempts: 5,
		BackoffBase: time.Minute, BackoffRate: 2, MaxBackoff: time.Hour, MaxAge: 72 * time.Hour,
	}
)

func TestBackoffGrowsToItsLimit(t *testing.T) {
	for attempt, want := range []time.Duration{
		time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour,
	} {
		if got := policy.backoff(attempt, 1); got != want {
			t.Errorf("attempt %d: got at most %s, want %s", attempt, got, want)
		}
	}
	if got := policy.backoff(10_000, 0.5); got != 30*time.Minute {
		t.Errorf("a power beyond any number: got %s, want half of the limit", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		attempt := rapid.IntRange(0, 2000).Draw(t, "attempt")
		random := rapid.Float64Range(0, 0.999).Draw(t, "random")
		if got := policy.backoff(attempt, random); got < 0 || got > policy.MaxBackoff {
			t.Errorf("backoff(%d, %v) = %s, out of range", attempt, random, got)
		}
	})
}

func TestHopeless(t *testing.T) {
	fresh := func(change func(*domain.Failure)) domain.Failure {
		f := domain.Failure{Error: "States.Timeout", FailedAt: domain.At(now), FirstAt: domain.At(now)}
		change(&f)
		return f
	}
	tests := []struct {
		name    string
		failure domain.Failure
		want    string
	}{
		{name: "a first timeout is retried", failure: fresh(func(*domain.Failure) {})},
		{name: "the last attempt is made", failure: fresh(func(f *domain.Failure) { f.Attempt = 4 })},
		{name: "attempts are capped", failure: fresh(func(f *domain.Failure) { f.Attempt = 5 }), want: "5 of 5 automatic replays failed"},
		{name: "an unknown error is not retried", failure: fresh(func(f *domain.Failure) { f.Error = "InvalidListing" }), want: "InvalidListing is not retriable"},
		{name: "age counts from the first failure", failure: fresh(func(f *domain.Failure) { f.FirstAt = domain.At(now.Add(-73 * time.Hour)) }), want: "more than 72h0m0s ago"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := policy.quarantineReason(tt.failure, now)
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			due := policy.due(tt.failure, now, 0.5)
			if wait := due.Sub(now); (tt.want == "") != (wait > 0) {
				t.Errorf("due in %s: a hopeless failure is decided on at once, any other after its backoff", wait)
			}
		})
	}
}
