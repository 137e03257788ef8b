// Package emf writes metrics in CloudWatch's embedded metric format: a log line of which CloudWatch Logs makes metrics
// ("Specification: Embedded metric format", Amazon CloudWatch User Guide).
package emf

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// Writer writes the metrics of one ingestion.
type Writer struct {
	out       io.Writer
	ingestion string
	now       func() time.Time
}

// New returns a Writer of lines to out, the standard output of a function. The metrics are in the namespace
// schema.MetricNamespace and have one dimension, which names the ingestion.
func New(out io.Writer, ingestion string) *Writer {
	return &Writer{out: out, ingestion: ingestion, now: time.Now}
}

type metric struct {
	Name string
	Unit string
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []metric
}

// Count writes metrics that count, as one line.
func (w *Writer) Count(values map[string]float64) error {
	d := directive{Namespace: schema.MetricNamespace, Dimensions: [][]string{{schema.MetricDimension}}}
	line := map[string]any{schema.MetricDimension: w.ingestion}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		d.Metrics = append(d.Metrics, metric{Name: name, Unit: "Count"})
		line[name] = values[name]
	}
	line["_aws"] = map[string]any{"Timestamp": w.now().UnixMilli(), "CloudWatchMetrics": []directive{d}}
	b, err := json.Marshal(line)
	if err == nil {
		_, err = w.out.Write(append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}
