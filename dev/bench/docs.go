package bench

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ce873799/replayable-ingestion/dev/bench/cost"
	"github.com/ce873799/replayable-ingestion/dev/report"
)

// ErrMarks means that a document lacks the marks around a table.
var ErrMarks = errors.New("the marks of a table are missing")

// Tables returns the tables of the documents, by file and by the name in their marks.
func Tables(rows []Row, w cost.Workload) (map[string]map[string]string, error) {
	prices, err := priceTable()
	if err != nil {
		return nil, err
	}
	bill, err := billTable(w)
	if err != nil {
		return nil, err
	}
	ways, err := wayTable(w)
	if err != nil {
		return nil, err
	}
	return map[string]map[string]string{
		"docs/performance.md": {"results": resultTable(rows)},
		"docs/cost.md":        {"prices": prices, "calls": callTable(w), "bill": bill, "ways": ways},
	}, nil
}

// Fill puts tables between their marks in a document.
func Fill(document string, tables map[string]string) (string, error) {
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		begin, end := "<!-- "+name+": made by make bench -->\n", "<!-- end of "+name+" -->"
		before, rest, ok := strings.Cut(document, begin)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			return "", fmt.Errorf("%s: %w", name, ErrMarks)
		}
		document = before + begin + "\n" + tables[name] + "\n" + end + after
	}
	return document, nil
}

// merged replaces rows of the same figure, and appends new ones.
func merged(rows, before []Row) []Row {
	all := slices.Clone(before)
	for _, r := range rows {
		if at := slices.IndexFunc(all, func(b Row) bool { return b.Figure == r.Figure }); at >= 0 {
			all[at] = r
		} else {
			all = append(all, r)
		}
	}
	return all
}

// update writes the measurements: the baseline, the calls, and the tables of both. If only some parts were measured,
// the rows of the others do not change.
func (r *run) update(rows, before []Row) error {
	if len(r.Only) > 0 {
		rows = merged(rows, before)
	}
	if err := report.Write(filepath.Join(r.Tools.Root, "dev/bench/baseline.json"), rows); err != nil {
		return err
	}
	w := r.workload
	if w.Events == 0 {
		var err error
		if w, err = cost.Committed(); err != nil {
			return err
		}
	}
	if err := report.Write(filepath.Join(r.Tools.Root, "dev/bench/cost/measured.json"), w); err != nil {
		return err
	}
	documents, err := Tables(rows, w)
	if err != nil {
		return err
	}
	for file, tables := range documents {
		path := filepath.Join(r.Tools.Root, file)
		text, err := os.ReadFile(path) //nolint:gosec // of the checkout
		if err != nil {
			return fmt.Errorf("update %s: %w", file, err)
		}
		filled, err := Fill(string(text), tables)
		if err != nil {
			return fmt.Errorf("update %s: %w", file, err)
		}
		if err := os.WriteFile(path, []byte(filled), 0o600); err != nil { //nolint:gosec // the same
			return fmt.Errorf("update %s: %w", file, err)
		}
	}
	return nil
}

func table(head string, lines []string) string {
	return head + "\n|" + strings.Repeat("---|", strings.Count(head, "|")-1) + "\n" + strings.Join(lines, "\n") + "\n"
}

func resultTable(rows []Row) string {
	var lines []string
	for _, r := range rows {
		cells := []string{r.Figure, number(r.Value) + " " + r.Unit, r.Target, r.verdict()}
		lines = append(lines, "| "+strings.Join(cells, " | ")+" |")
	}
	return table("| figure | measured | target | verdict |", lines)
}

func priceTable() (string, error) {
	prices, err := cost.Prices()
	if err != nil {
		return "", err
	}
	var lines []string
	for _, p := range prices {
		source := "not verified: " + p.Source
		if p.Verified {
			source = p.Source
		}
		if p.Dated != "" {
			source += " (" + p.Dated + ")"
		}
		price := fmt.Sprintf("$%s per %s %s", number(p.USD), number(p.Per), p.Unit)
		lines = append(lines, "| "+p.What+" | "+price+" | "+source+" |")
	}
	return table("| what | price | source |", lines), nil
}

// columns are those of the table of calls.
func columns(w cost.Workload) []cost.Measured {
	return []cost.Measured{w.Ingested, w.Failed, w.Replayed}
}

func callTable(w cost.Workload) string {
	names := map[string]bool{}
	for _, m := range columns(w) {
		for call := range m.Calls {
			names[call] = true
		}
		for function := range m.Invocations {
			names["invocation of "+function] = true
		}
	}
	var lines []string
	line := func(what string, of func(cost.Measured) float64) {
		cells := ""
		for _, m := range columns(w) {
			cells += " " + number(tidy(of(m))) + " |"
		}
		lines = append(lines, "| "+what+" |"+cells)
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		line(name, func(m cost.Measured) float64 {
			if function, ok := strings.CutPrefix(name, "invocation of "); ok {
				return m.Invocations[function]
			}
			return m.Calls[name]
		})
	}
	line("DynamoDB write request units", func(m cost.Measured) float64 { return m.Write })
	line("DynamoDB read request units", func(m cost.Measured) float64 { return m.Read })
	line("bytes kept in DynamoDB", func(m cost.Measured) float64 { return m.Row })
	line("bytes kept in S3", func(m cost.Measured) float64 { return m.Object })
	line("bytes logged by the functions", func(m cost.Measured) float64 { return m.Logged })
	line("milliseconds of functions", func(m cost.Measured) (ms float64) {
		for _, each := range slices.Sorted(maps.Keys(m.Seconds)) {
			ms += 1000 * m.Seconds[each]
		}
		return ms
	})
	return table("| per event | ingested | failed, on top | replayed |", lines)
}

func billTable(w cost.Workload) (string, error) {
	ours := w.Ours()
	bills, totals := [3]map[string]float64{}, [3]float64{}
	for i, usage := range []cost.Usage{ours.Ingested, ours.Failed, ours.Replayed} {
		items, total, err := cost.Bill(usage.Times(1e6))
		if err != nil {
			return "", err
		}
		bills[i], totals[i] = map[string]float64{}, total
		for _, item := range items {
			bills[i][item.ID] = item.Cost
		}
	}
	prices, err := cost.Prices()
	if err != nil {
		return "", err
	}
	var lines []string
	for _, p := range prices {
		if bills[0][p.ID]+bills[1][p.ID]+bills[2][p.ID] > 0 {
			line := fmt.Sprintf("| %s | %.2f | %.2f | %.2f |", p.What, bills[0][p.ID], bills[1][p.ID], bills[2][p.ID])
			lines = append(lines, line)
		}
	}
	lines = append(lines, fmt.Sprintf("| **in all** | **%.2f** | **%.2f** | **%.2f** |", totals[0], totals[1], totals[2]))
	return table("| USD per million events | ingested | failed, on top | replayed |", lines), nil
}

func wayTable(w cost.Workload) (string, error) {
	var lines []string
	for _, way := range w.Ways() {
		line := "| " + way.Name + " |"
		for _, usage := range []cost.Usage{way.Ingested, way.Failed, way.Replayed} {
			_, total, err := cost.Bill(usage.Times(1e6))
			if err != nil {
				return "", err
			}
			line += fmt.Sprintf(" %.2f |", total)
		}
		lines = append(lines, line+" "+way.Lacks+" |")
	}
	return table("| USD per million events | ingested | failed, on top | replayed | what it lacks |", lines), nil
}
