package chaos

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	smithytime "github.com/aws/smithy-go/time"

	"github.com/ce873799/replayable-ingestion/dev/lambdahost"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
)

// consumers are the functions that queues feed.
var consumers = []string{"ReplayListener", "Tracker"}

const (
	killWithin   = 150 * time.Millisecond // of the beginning of an event's handling
	delayMost    = time.Second
	againLeast   = time.Second
	againMost    = 6 * time.Second
	effectsAfter = 4 * time.Second // the effects of an invocation that the proxy held back come within
)

type invoke = func(payload []byte) (lambdahost.Answer, error)

// hookAll puts a hook before each function. Without a disturber it only notes deliveries.
func (r *run) hookAll(d *disturber) error {
	for name := range r.stack.Functions {
		if err := r.stack.Host.SetHook(name, r.hook(d, name)); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) hook(d *disturber, name string) lambdahost.Hook {
	var n atomic.Uint64
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	consumer := slices.Contains(consumers, name)
	return func(ctx context.Context, payload []byte, call invoke) (lambdahost.Answer, error) {
		if name == "ReplayListener" {
			call = r.noted(call)
		}
		if d == nil {
			return call(payload)
		}
		random := rand.New(rand.NewPCG(d.seed^h.Sum64(), n.Add(1))) //nolint:gosec // reproducible on purpose
		if random.Float64() < d.level.killShare && name != autoReplayName {
			timer := time.AfterFunc(time.Duration(random.Int64N(int64(killWithin))), func() { d.kill(name) })
			defer timer.Stop()
		}
		if consumer && random.Float64() < d.level.tossShare {
			return d.toss(ctx, random, payload, call)
		}
		return call(payload)
	}
}

// toss delivers a batch as SQS may.
func (d *disturber) toss(ctx context.Context, random *rand.Rand, payload []byte, call invoke) (lambdahost.Answer, error) {
	switch random.IntN(5) {
	case 0:
		d.counters.add("batch delivered twice at once", 1)
		d.behind(func() { _, _ = call(payload) })
		return call(payload)
	case 1:
		d.counters.add("batch delivered again later", 1)
		wait := againLeast + time.Duration(random.Int64N(int64(againMost-againLeast)))
		d.behind(func() {
			if smithytime.SleepWithContext(ctx, wait) == nil {
				_, _ = call(payload)
			}
		})
		return call(payload)
	case 2:
		d.counters.add("batch reordered", 1)
		return call(shuffled(random, payload))
	case 3:
		d.counters.add("batch delayed", 1)
		if err := smithytime.SleepWithContext(ctx, time.Duration(random.Int64N(int64(delayMost)))); err != nil {
			return lambdahost.Answer{}, err
		}
		return call(payload)
	default:
		d.counters.add("answer to a batch lost", 1)
		answer, err := call(payload)
		if err == nil {
			answer = lambdahost.Answer{Failed: true, Payload: []byte(`{"errorType":"Lost","errorMessage":"the answer was lost"}`)}
		}
		return answer, err
	}
}

// behind does something that nobody waits for before everything is to come to rest.
func (r *run) behind(do func()) {
	r.pending.Add(1)
	go func() {
		defer r.pending.Add(-1)
		do()
	}()
}

func shuffled(random *rand.Rand, payload []byte) []byte {
	var batch events.SQSEvent
	if json.Unmarshal(payload, &batch) != nil {
		return payload
	}
	random.Shuffle(len(batch.Records), func(i, j int) {
		batch.Records[i], batch.Records[j] = batch.Records[j], batch.Records[i]
	})
	mixed, err := json.Marshal(batch)
	if err != nil {
		return payload
	}
	return mixed
}

// noted keeps when messages of automatic replays were worked on: from before the listener saw them until no effect of
// that can come any more.
func (r *run) noted(call invoke) invoke {
	return func(payload []byte) (lambdahost.Answer, error) {
		from := time.Now()
		answer, err := call(payload)
		span := Span{From: from, To: time.Now().Add(effectsAfter)}
		var batch events.SQSEvent
		if json.Unmarshal(payload, &batch) != nil {
			return answer, err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, m := range batch.Records {
			if msg, derr := protocol.DecodeReplayMessage(m.Body); derr == nil && msg.Kind == protocol.KindAuto {
				key := domain.FailureID(msg.Execution, msg.RedriveCount)
				r.deliveries[key] = append(r.deliveries[key], span)
			}
		}
		return answer, err
	}
}
