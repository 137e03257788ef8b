// Package emftest reads the metrics that functions write into their logs, as CloudWatch Logs does: by the rules of
// "Specification: Embedded metric format" (Amazon CloudWatch User Guide). The emulator does not extract metrics from
// log lines.
package emftest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Datum is one metric of one line.
type Datum struct {
	Namespace  string
	Name       string
	Unit       string
	Dimensions map[string]string
	Values     []float64
	At         time.Time
	Function   string // whose log it is from; empty where it is not known
}

type line struct {
	AWS *struct {
		Timestamp         *int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	} `json:"_aws"`
}

// units are the units of a metric (MetricDatum, Amazon CloudWatch API Reference) that are used here.
var units = []string{"Count", "Seconds", "Percent", "Milliseconds", "None", ""}

const maxLine = 1 << 20

// Read returns the metrics in a log. Lines without metrics are skipped. A line that has "_aws" and breaks the rules is
// an error, because CloudWatch would drop it.
func Read(log io.Reader) ([]Datum, error) {
	var all []Datum
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		text := lines.Bytes()
		if !bytes.Contains(text, []byte(`"_aws"`)) {
			continue
		}
		data, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("metrics line %s: %w", text, err)
		}
		all = append(all, data...)
	}
	return all, lines.Err()
}

func parse(text []byte) ([]Datum, error) {
	var l line
	var root map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(text, &l), json.Unmarshal(text, &root)); err != nil {
		return nil, err
	}
	if l.AWS == nil || l.AWS.Timestamp == nil {
		return nil, errors.New("it has no _aws.Timestamp")
	}
	var data []Datum
	for _, d := range l.AWS.CloudWatchMetrics {
		if d.Namespace == "" || len(d.Dimensions) == 0 || len(d.Metrics) > 100 {
			return nil, fmt.Errorf("a directive needs a namespace, dimensions and at most 100 metrics, got %+v", d)
		}
		for _, set := range d.Dimensions {
			dimensions := map[string]string{}
			for _, name := range set {
				var value string
				if err := json.Unmarshal(root[name], &value); err != nil || value == "" {
					return nil, fmt.Errorf("dimension %s has no value: %w", name, err)
				}
				dimensions[name] = value
			}
			for _, m := range d.Metrics {
				values, err := numbers(root[m.Name])
				if err != nil || !slices.Contains(units, m.Unit) {
					return nil, fmt.Errorf("metric %s in %q: %w", m.Name, m.Unit, err)
				}
				data = append(data, Datum{
					Namespace: d.Namespace, Name: m.Name, Unit: m.Unit, Dimensions: dimensions, Values: values,
					At: time.UnixMilli(*l.AWS.Timestamp),
				})
			}
		}
	}
	return data, nil
}

// numbers reads a number, or an array of at most 100.
func numbers(raw json.RawMessage) ([]float64, error) {
	if n := *new(float64); json.Unmarshal(raw, &n) == nil {
		return []float64{n}, nil
	}
	var many []float64
	if err := json.Unmarshal(raw, &many); err != nil {
		return nil, err
	}
	if len(many) == 0 || len(many) > 100 {
		return nil, fmt.Errorf("%d values, 1 to 100 are read", len(many))
	}
	return many, nil
}

// ReadDir returns the metrics in the logs of a directory, <function>.log.
func ReadDir(dir string) ([]Datum, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		return nil, fmt.Errorf("list logs: %w", err)
	}
	var all []Datum
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // a log of this run
		if err != nil {
			return nil, fmt.Errorf("read log: %w", err)
		}
		data, err := Read(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for i := range data {
			data[i].Function = strings.TrimSuffix(filepath.Base(file), ".log")
		}
		all = append(all, data...)
	}
	return all, nil
}

// Sums adds up the values of each metric.
func Sums(data []Datum) map[string]float64 {
	sums := map[string]float64{}
	for _, d := range data {
		for _, v := range d.Values {
			sums[d.Name] += v
		}
	}
	return sums
}

// Names returns the names of the metrics, each once and sorted.
func Names(data []Datum) []string {
	return slices.Sorted(maps.Keys(Sums(data)))
}
