package start

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
)

// operation is one of RFC 6902. Before is the value that a test operation ahead of it names.
type operation struct {
	Op, Path, From string
	Value          json.RawMessage
	before         json.RawMessage
}

// operations reads a diff as plans have them: a test with the value from before stands ahead of each change.
func operations(diff json.RawMessage) (ops []operation, err error) {
	var all []operation
	if err := json.Unmarshal(diff, &all); err != nil {
		return nil, fmt.Errorf("read a diff: %w", err)
	}
	for i, op := range all {
		if op.Op == "test" {
			continue
		}
		if i > 0 && all[i-1].Op == "test" && all[i-1].Path == op.Path {
			op.before = all[i-1].Value
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// text says what an operation does, and how it is painted.
func (op operation) text() (string, output.Color) {
	switch op.Op {
	case "add":
		return fmt.Sprintf("+ %s  %s", op.Path, op.Value), output.Green
	case "remove":
		return strings.TrimSpace(fmt.Sprintf("- %s  %s", op.Path, op.before)), output.Red
	case "replace":
		return fmt.Sprintf("~ %s  %s → %s", op.Path, op.before, op.Value), output.Yellow
	default:
		return fmt.Sprintf("%s %s → %s", op.Op, op.From, op.Path), output.Yellow
	}
}

// showDiffs shows what a transform changes in each event of a sample.
func showDiffs(f *factory.Factory, w io.Writer, sample []replay.Item) error {
	what := cmp.Or(f.Transform, "the transform")
	for _, it := range sample {
		if len(it.Diff) == 0 {
			continue
		}
		ops, err := operations(it.Diff)
		if err != nil {
			return err
		}
		title := what + " changes " + it.ResourceID
		if len(ops) == 0 {
			title = what + " changes nothing in " + it.ResourceID
		}
		if it.VersionID != "" {
			title += ", version " + it.VersionID
		}
		if _, err := fmt.Fprintf(w, "\n%s\n", f.Printer.Paint(output.Bold, output.Printable(title))); err != nil {
			return err
		}
		for _, op := range ops {
			text, color := op.text()
			if _, err := fmt.Fprintf(w, "  %s\n", f.Printer.Paint(color, output.Printable(text))); err != nil {
				return err
			}
		}
	}
	return nil
}
