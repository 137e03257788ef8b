package local

import "github.com/ce873799/replayable-ingestion/internal/ctl/stack"

// lacks is what doctor would report for a complete stack, because the emulator differs from AWS.
func lacks() []stack.Lack {
	const (
		cbor       = "the emulator answers CloudWatch's client with something else"
		machines   = "the emulator drops logging and tracing of state machines"
		encryption = "the emulator drops the encryption of queues"
	)
	return []stack.Lack{
		{Check: "machine.StateMachine", Says: "it writes no log", Why: machines},
		{Check: "machine.StateMachine", Says: "it is not traced by X-Ray", Why: machines},
		{Check: "machine.SeriesMachine", Says: "it writes no log", Why: machines},
		{Check: "machine.SeriesMachine", Says: "it is not traced by X-Ray", Why: machines},
		{Check: "queue.DeadLetter", Says: "it is not encrypted", Why: encryption},
		{Check: "queue.Outcomes", Says: "it is not encrypted", Why: encryption},
		{Check: "queue.Replay", Says: "it is not encrypted", Why: encryption},
		{Check: "log.public-access", Says: "public access is not blocked", Why: "the emulator drops the public access block of buckets"},
		{Check: "log.lifecycle", Says: "no lifecycle", Why: "the emulator drops the lifecycle of buckets"},
		{Check: "ledger.recovery", Says: "point-in-time recovery is off", Why: "the emulator drops point-in-time recovery"},
		{Check: "ledger.ttl", Says: "is off", Why: "the emulator drops the time to live"},
		{Check: "schedule.runs", Says: stack.NotOfAWS, Why: cbor},
		{Check: "alarm", Says: stack.NotOfAWS, Why: cbor},
		{Check: "queue.DeadLetter.age", Says: stack.NotOfAWS, Why: cbor},
	}
}
