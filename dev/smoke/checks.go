package smoke

import "context"

// check is one smoke check.
type check struct {
	name   string
	proves string
	// emulator says which part the emulator cannot show; empty: it shows all of it.
	emulator string
	realOnly bool // not run on the emulator
	alone    bool // turns the geocoder off or watches auto-replay, so it runs alone
	run      func(ctx context.Context, e *env) (detail string, err error)
}

// checks lists them in the order of docs/aws-smoke.md.
func checks() []check {
	return []check{
		{
			name:     "event-size",
			proves:   "an event of 256,000 bytes is ingested, published and replayed; one byte more fails with EventTooLarge",
			emulator: "it does not enforce SNS's 262,144 bytes",
			run:      eventSize,
		},
		{
			name:   "input-limit",
			proves: "Step Functions refuses an input of 262,145 bytes, the limit that all sizes here are computed from",
			run:    inputLimit,
		},
		{
			name:   "whole-numbers",
			proves: "whole numbers beyond 2^53 keep every digit in the event log and in the input of a replay",
			run:    wholeNumbers,
		},
		{
			name:     "decimals",
			proves:   "decimals keep every digit in the event log and in the input of a replay",
			emulator: "it makes decimals doubles, 1.10 becomes 1.1",
			realOnly: true,
			run:      decimals,
		},
		{
			name:   "ingestion-variable",
			proves: "the Record state assigns $ingestion with the event's ids and version",
			run:    ingestionVariable,
		},
		{
			name:   "attempt-context",
			proves: "Record's payload carries retryCount and redriveCount as numbers",
			run:    attemptContext,
		},
		{
			name:   "replay-by-api",
			proves: "a signed request replays a resource; the replay succeeds, is counted once and writes no version",
			run:    replayByAPI,
		},
		{
			name:     "series",
			proves:   "a series runs two patched versions in order, and a republish sends their outputs again",
			emulator: "it evaluates no IAM policies",
			run:      series,
		},
		{
			name:   "bad-request",
			proves: "a request with faults gets an application/problem+json that names each",
			run:    badRequest,
		},
		{
			name:     "unsigned-request",
			proves:   "an unsigned request is refused with 403, by the gateway and as application/problem+json",
			emulator: "it only looks whether there is a signature, and answers in its own form",
			run:      unsignedRequest,
		},
		{
			name:     "wrong-signature",
			proves:   "a request signed with a wrong secret is refused with 403",
			emulator: "it accepts any signature",
			realOnly: true,
			run:      wrongSignature,
		},
		{
			name:     "tls-only",
			proves:   "the event log refuses requests without TLS",
			emulator: "it stores the bucket policy and does not enforce it",
			realOnly: true,
			run:      tlsOnly,
		},
		{
			name:   "subscriber-without-replays",
			proves: "a subscriber whose filter policy asks for isReplay \"false\" gets an event once, and no replay of it",
			run:    subscriberWithoutReplays,
		},
		{
			name:     "failure-pointer",
			proves:   "a rule makes a pointer of a failed execution's event: valid JSON without input, and the event is quarantined",
			emulator: "the local runner puts the status event, and mends the emulator's input transformer",
			run:      failurePointer,
		},
		{
			name:     "outcome",
			proves:   "the rules take a success, whose error is null, and the tracker understands the message: it records the outcome of the execution",
			emulator: "the local runner puts the status event",
			run:      outcome,
		},
		{
			name:     "metrics",
			proves:   "CloudWatch makes metrics of the functions' log lines, with the dimension at which the alarms look",
			emulator: "it makes no metrics of log lines",
			realOnly: true,
			run:      functionsMetrics,
		},
		{
			name:     "recursion",
			proves:   "the listener's loop through the replay queue goes on past the 16 hops at which Lambda stops others",
			emulator: "it does not detect recursion",
			realOnly: true,
			run:      recursion,
		},
		{
			name:     "auto-replay",
			proves:   "an execution that failed in an outage is replayed automatically and heals; so every role may do its work",
			emulator: "it does not evaluate IAM policies, and the run is asked for where the real one is scheduled",
			alone:    true,
			run:      autoReplay,
		},
		{
			name:     "lease",
			proves:   "a run of auto-replay gives its lease back, so that the next one is not skipped",
			emulator: "it does not evaluate IAM policies",
			alone:    true,
			run:      lease,
		},
		{
			name:     "function-timeout",
			proves:   "a function that runs into its timeout fails the execution with an error that is retried",
			emulator: "the error's name is the local runner's",
			alone:    true,
			run:      functionTimeout,
		},
		{
			name:     "expired-version",
			proves:   "a failure whose version is gone from the event log is quarantined, and not looked at forever",
			emulator: "it answers 404 in any case, S3 answers 403 to callers that may not list the bucket",
			alone:    true,
			run:      expiredVersion,
		},
		{
			name:   "redrive",
			proves: "redriving a failed execution works, publishes with redriveCount 1 and closes its failure",
			alone:  true,
			run:    redrive,
		},
		{
			name:   "timed-out",
			proves: "an execution that times out is reported and its failure is States.Timeout",
			alone:  true,
			run:    timedOut,
		},
	}
}
