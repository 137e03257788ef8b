package bench

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Row is one figure of the report.
type Row struct {
	Figure string  `json:"figure"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Target string  `json:"target"` // such as "≤ 4", or "listed" for a figure without one
	Holds  bool    `json:"holds"`
}

// Units.
const (
	ratio   = "×" // of two measurements of the same run: compared with the baseline, as is a percentage
	percent = "%"
)

// Kinds of targets.
const (
	atMost  = "≤ "
	atLeast = "≥ "
	exactly = "exactly "
	listed  = "listed"
)

func most(figure string, value float64, unit string, bound float64) Row {
	return Row{figure, tidy(value), unit, atMost + number(bound), tidy(value) <= bound}
}

// least is a minimum share, in percent.
func least(figure string, value, bound float64) Row {
	return Row{figure, tidy(value), percent, atLeast + number(bound), tidy(value) >= bound}
}

func exact(figure string, value float64, unit string, want float64) Row {
	return Row{figure, tidy(value), unit, exactly + number(want), value == want}
}

func list(figure string, value float64, unit string) Row {
	return Row{figure, tidy(value), unit, listed, true}
}

// tidy rounds to four digits, more than the accuracy of the measurement. Whole numbers do not change.
func tidy(v float64) float64 {
	if v == math.Trunc(v) || v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

// number formats a value for people: with thousands separators, without an exponent.
func number(v float64) string {
	text := strconv.FormatFloat(v, 'f', -1, 64)
	whole, fraction, broken := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if broken {
		return whole + "." + fraction
	}
	return whole
}

func (r Row) verdict() string {
	switch {
	case r.Target == listed:
		return ""
	case r.Holds:
		return "holds"
	default:
		return "MISSED"
	}
}

// Print writes the table.
func Print(out io.Writer, rows []Row) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "figure\tmeasured\ttarget\tverdict")
	for _, r := range rows {
		_, _ = fmt.Fprintf(w, "%s\t%s %s\t%s\t%s\n", r.Figure, number(r.Value), r.Unit, r.Target, r.verdict())
	}
	_ = w.Flush() // to a terminal or a buffer
}

// tolerance is how much worse than the baseline a ratio may become.
const tolerance = 0.20

// Regressions returns what is worse than the baseline: ratios by more than a fifth, and targets that were met there and
// are missed now. Rows that are not in the baseline are new.
func Regressions(rows, baseline []Row) (worse []string) {
	for _, r := range rows {
		measured := fmt.Sprintf("%s: %s %s", r.Figure, number(r.Value), r.Unit)
		missed := measured + ", the target is " + r.Target
		at := slices.IndexFunc(baseline, func(b Row) bool { return b.Figure == r.Figure })
		if at < 0 {
			if !r.Holds {
				worse = append(worse, missed)
			}
			continue
		}
		b := baseline[at]
		if b.Holds && !r.Holds {
			worse = append(worse, missed)
			continue
		}
		if r.Unit != ratio && r.Unit != percent {
			continue
		}
		bad := r.Value > b.Value*(1+tolerance)
		if strings.HasPrefix(r.Target, atLeast) { // more is better
			bad = r.Value < b.Value*(1-tolerance)
		}
		if bad {
			worse = append(worse, fmt.Sprintf("%s, the baseline has %s", measured, number(b.Value)))
		}
	}
	return worse
}

// median of values, which it sorts.
func median[T ~int64 | ~float64](values []T) T {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}
