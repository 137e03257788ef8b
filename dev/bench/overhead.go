package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/bench/cloud"
	"github.com/ce873799/replayable-ingestion/dev/bench/sales"
	"github.com/ce873799/replayable-ingestion/dev/bench/system"
)

// latencies are what the services' calls take here: about what they take within a Region.
func latencies(call string) time.Duration {
	service, _, _ := strings.Cut(call, ".")
	return map[string]time.Duration{
		"s3": 20 * time.Millisecond, "dynamodb": 5 * time.Millisecond, "sns": 10 * time.Millisecond,
	}[service]
}

// unavoidable are the calls of which each needs what the one before it has done: an event must be in the log before its
// row names its version, and the row is read before anything is published. The owner's row is written beside the event.
var unavoidable = map[string][]string{
	"Record":  {"s3.PutObject", "dynamodb.PutItem"},
	"Publish": {"dynamodb.GetItem", "s3.PutObject", "sns.Publish", "dynamodb.UpdateItem"},
}

// overhead compares how long Record and Publish take with the bare requests that they cannot do without.
func (r *run) overhead(ctx context.Context) ([]Row, error) {
	c := cloud.Start(cloud.Options{Delay: latencies})
	defer c.Stop()
	s, err := system.New(system.Options{Cloud: c})
	if err != nil {
		return nil, err
	}
	events, err := sales.Read(r.Sizes.Events)
	if err != nil {
		return nil, err
	}
	took, calls := map[string][]float64{}, map[string]map[string]int{}
	client := &http.Client{}
	for i, e := range events {
		x := s.Begin(fmt.Sprint("sale-", i), e.Raw)
		var event json.RawMessage
		for _, step := range []struct {
			name string
			do   func() error
		}{
			{"Record", func() (err error) { event, err = s.Record(ctx, x); return err }},
			{"Publish", func() error { return s.Publish(ctx, x, event) }},
		} {
			before, began := c.Calls(), time.Now()
			if err := step.do(); err != nil {
				return nil, fmt.Errorf("%s: %w", step.name, err)
			}
			mine := time.Since(began)
			calls[step.name] = difference(c.Calls(), before)
			began = time.Now()
			for _, call := range unavoidable[step.name] {
				if err := bare(ctx, client, c.URL(), call); err != nil {
					return nil, err
				}
			}
			took[step.name] = append(took[step.name], float64(mine)/float64(time.Since(began)))
		}
	}
	var rows []Row
	for _, name := range []string{"Record", "Publish"} {
		n := 0
		for _, k := range calls[name] {
			n += k
		}
		r.say("%s calls %s", name, strings.Join(slices.Sorted(maps.Keys(calls[name])), ", "))
		rows = append(rows,
			most(name+": time per event, of its unavoidable calls", median(took[name]), ratio, 1.15),
			list(name+": calls per event", float64(n), "calls"))
	}
	return rows, nil
}

// bare makes a request that takes as long as a call, and does nothing.
func bare(ctx context.Context, client *http.Client, url, call string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+cloud.Idle+call, http.NoBody)
	if err != nil {
		return fmt.Errorf("bare request: %w", err)
	}
	answer, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("bare request: %w", err)
	}
	_, err = io.Copy(io.Discard, answer.Body) // so that the connection is used again
	_ = answer.Body.Close()
	return err
}

func difference(after, before map[string]int) map[string]int {
	out := map[string]int{}
	for call, n := range after {
		if n -= before[call]; n > 0 {
			out[call] = n
		}
	}
	return out
}
