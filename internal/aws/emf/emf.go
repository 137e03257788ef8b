// Package emf writes metrics in CloudWatch's embedded metric format: log lines from which CloudWatch Logs extracts
// metrics ("Specification: Embedded metric format", Amazon CloudWatch User Guide). It needs no call to AWS. Lambda does
// not change a line that is JSON, also in its JSON log format ("Configuring JSON and plain text log formats", AWS
// Lambda Developer Guide).
package emf

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// Meter collects the metrics of one invocation and writes them when it ends: one line, however many records the
// invocation had. A nil Meter collects nothing. It is safe for concurrent use.
type Meter struct {
	out       io.Writer
	ingestion string
	now       func() time.Time

	mu     sync.Mutex
	sums   map[schema.Metric]float64
	values map[schema.Metric][]float64
}

// New returns a Meter that writes to out, the standard output of a function. The metrics are in the namespace
// schema.MetricNamespace and have one dimension, which names the ingestion.
func New(out io.Writer, ingestion string) *Meter {
	m := &Meter{out: out, ingestion: ingestion, now: time.Now}
	m.take()
	return m
}

// Add adds to a metric of the invocation. Adding 0 writes a 0. Without it, the metric would have a gap.
func (m *Meter) Add(metric schema.Metric, n float64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sums[metric] += n
}

// Set sets a gauge: a metric that is measured, not counted.
func (m *Meter) Set(metric schema.Metric, value float64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sums[metric] = value
}

// Observe adds a value to a metric for which CloudWatch computes averages and percentiles.
func (m *Meter) Observe(metric schema.Metric, value float64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values[metric] = append(m.values[metric], value)
}

// maxValues is how many values of a metric one line may hold.
const maxValues = 100

// Flush writes and resets what the invocation has collected. It writes nothing if there are no metrics.
func (m *Meter) Flush(requestID string) error {
	if m == nil {
		return nil
	}
	sums, values := m.take()
	for len(sums)+len(values) > 0 {
		line := map[schema.Metric]any{}
		for metric, n := range sums {
			line[metric] = n
		}
		sums = nil
		for metric, v := range values {
			n := min(len(v), maxValues)
			line[metric] = v[:n]
			if values[metric] = v[n:]; len(v) == n {
				delete(values, metric)
			}
		}
		if err := m.write(line, requestID); err != nil {
			return fmt.Errorf("write metrics: %w", err)
		}
	}
	return nil
}

// take returns and resets what was collected.
func (m *Meter) take() (sums map[schema.Metric]float64, values map[schema.Metric][]float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sums, values = m.sums, m.values
	m.sums, m.values = map[schema.Metric]float64{}, map[schema.Metric][]float64{}
	return sums, values
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []definition
}

type definition struct {
	Name string
	Unit string
}

func (m *Meter) write(values map[schema.Metric]any, requestID string) error {
	d := directive{Namespace: schema.MetricNamespace, Dimensions: [][]string{{schema.MetricDimension}}}
	line := map[string]any{schema.MetricDimension: m.ingestion}
	if requestID != "" {
		line["requestId"] = requestID // links a metric's line to the invocation's other lines; it is not a dimension
	}
	for metric, v := range values {
		d.Metrics = append(d.Metrics, definition{Name: metric.Name, Unit: metric.Unit})
		line[metric.Name] = v
	}
	slices.SortFunc(d.Metrics, func(a, b definition) int { return strings.Compare(a.Name, b.Name) })
	line["_aws"] = map[string]any{"Timestamp": m.now().UnixMilli(), "CloudWatchMetrics": []directive{d}}
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = m.out.Write(append(b, '\n')) // one call, so no other line gets in between
	return err
}
