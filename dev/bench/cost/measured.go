package cost

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Measured is the measured usage per event.
type Measured struct {
	Calls       map[string]float64 `json:"calls"`       // to services, such as s3.PutObject
	Invocations map[string]float64 `json:"invocations"` // of functions
	Write       float64            `json:"write"`       // DynamoDB request units
	Read        float64            `json:"read"`
	Row         float64            `json:"row"`     // bytes that stay in DynamoDB
	Object      float64            `json:"object"`  // bytes that stay in S3
	Logged      float64            `json:"logged"`  // bytes of the functions' own log lines
	Seconds     map[string]float64 `json:"seconds"` // that functions took, at the latencies of the measurement
}

// Workload has the measured kinds: events that succeed, failures that auto-replay heals, and replays by the API.
type Workload struct {
	Events   int      `json:"events"`
	Ingested Measured `json:"ingested"`
	Failed   Measured `json:"failed"`   // additional usage of a failure until it is healed
	Replayed Measured `json:"replayed"` // usage of a replay of an event
}

//go:embed measured.json
var committed []byte

// Committed is the committed measurement.
func Committed() (w Workload, err error) {
	if err := json.Unmarshal(committed, &w); err != nil {
		return w, fmt.Errorf("read what was measured: %w", err)
	}
	return w, nil
}

// Assumptions that cannot be measured here.
const (
	platformLines = 700.0 // bytes that Lambda logs of each invocation itself, as JSON
	sampled       = 0.05  // of executions are traced, X-Ray's default beyond the first of a second
	envelopeBytes = 300.0 // around each event on a bus or a stream
)

// memory of the functions, in GB.
var memoryGB = map[string]float64{
	"Record": 0.5, "Publish": 0.5, "Tracker": 0.25, "ReplayListener": 0.5, "Series": 0.5, "ReplayHandler": 0.5,
	"AutoReplay": 0.5,
}

// Usage is an event's usage of priced items. Transitions are those of Record and Publish, which do not appear as calls.
func (m Measured) Usage(transitions float64) Usage {
	u := Usage{
		"transition": transitions, "wru": m.Write, "rru": m.Read,
		"ddbmonth": m.Row / 1e9, "pitr": m.Row / 1e9, "s3month": m.Object / 1e9, "trace": sampled * transitions / 2,
	}
	logged := m.Logged
	for _, name := range slices.Sorted(maps.Keys(m.Invocations)) { // in one order: the sum of floats depends on it
		n := m.Invocations[name]
		u["invocation"] += n
		u["gbs"] += m.Seconds[name] * memoryGB[name]
		logged += n * platformLines
	}
	u["logs"] = logged / 1e9
	for _, call := range slices.Sorted(maps.Keys(m.Calls)) {
		if id, priced := priceOf[call]; priced {
			u[id] += m.Calls[call]
		}
	}
	return u
}

// priceOf has the calls that are billed per call. DynamoDB bills units instead, and Step Functions bills transitions.
var priceOf = map[string]string{
	"s3.PutObject": "s3put", "s3.ListObjectVersions": "s3put", "s3.ListObjectsV2": "s3put",
	"s3.GetObject": "s3get", "s3.HeadObject": "s3get",
	"sns.Publish": "sns", "sqs.SendMessageBatch": "sqs", "sqs.ReceiveMessage": "sqs", "sqs.DeleteMessage": "sqs",
	// Usage by AWS between the functions.
	"eventbridge.SendMessage": "sqs", "lambda.ReceiveMessage": "sqs", "lambda.DeleteMessageBatch": "sqs",
}
