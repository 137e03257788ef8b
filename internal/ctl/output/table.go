package output

import (
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"
)

// Column is one of a table.
type Column[T any] struct {
	Title string
	Cell  func(T) string
	Color func(T) Color // of the cell; may be nil
	Right bool          // numbers
	Flex  bool          // may be shortened to fit the terminal; ids never are
}

// chunk is how many rows share their widths: those of a page of the API. Later chunks may need wider columns.
const chunk = 100

const gap = "  "

// table writes rows in chunks, under one header.
func table[T any](p *Printer, columns []Column[T], entries iter.Seq2[T, error]) (n int, err error) {
	t := &tabler[T]{p: p, columns: columns, widths: make([]int, len(columns))}
	for e, err := range entries {
		if err != nil {
			_ = t.flush() // what came before the error is shown; the error counts
			return n, err
		}
		n++
		t.rows = append(t.rows, e)
		if len(t.rows) == chunk {
			if err := t.flush(); err != nil {
				return n, err
			}
		}
	}
	return n, t.flush()
}

type tabler[T any] struct {
	p       *Printer
	columns []Column[T]
	widths  []int
	rows    []T
	begun   bool
}

func (t *tabler[T]) flush() error {
	if len(t.rows) == 0 {
		return nil
	}
	cells := make([][]string, len(t.rows))
	for i, row := range t.rows {
		cells[i] = make([]string, len(t.columns))
		for j, c := range t.columns {
			cells[i][j] = Printable(c.Cell(row))
		}
	}
	t.measure(cells)
	var b strings.Builder
	if !t.begun {
		t.begun = true
		titles := make([]string, len(t.columns))
		for j, c := range t.columns {
			titles[j] = c.Title
		}
		t.line(&b, titles, func(int) Color { return Bold })
	}
	for i, row := range t.rows {
		t.line(&b, cells[i], func(j int) Color {
			if color := t.columns[j].Color; color != nil {
				return color(row)
			}
			return Plain
		})
	}
	t.rows = t.rows[:0]
	_, err := io.WriteString(t.p.Out, b.String())
	return err
}

// measure widens columns to what is in them, and then takes from the flexible ones what the terminal lacks.
func (t *tabler[T]) measure(cells [][]string) {
	for j, c := range t.columns {
		t.widths[j] = max(t.widths[j], runewidth.StringWidth(c.Title))
		for _, row := range cells {
			t.widths[j] = max(t.widths[j], runewidth.StringWidth(row[j]))
		}
	}
	if t.p.Width == 0 {
		return
	}
	over := -t.p.Width - len(gap)
	for _, w := range t.widths {
		over += w + len(gap)
	}
	for j, c := range t.columns {
		if c.Flex && over > 0 {
			least := max(minFlex, runewidth.StringWidth(c.Title))
			take := min(over, max(0, t.widths[j]-least))
			t.widths[j] -= take
			over -= take
		}
	}
}

const minFlex = 20

func (t *tabler[T]) line(b *strings.Builder, cells []string, color func(int) Color) {
	var line strings.Builder
	for j, cell := range cells {
		if t.columns[j].Flex && runewidth.StringWidth(cell) > t.widths[j] {
			cell = runewidth.Truncate(cell, t.widths[j], "…")
		}
		pad := strings.Repeat(" ", max(0, t.widths[j]-runewidth.StringWidth(cell)))
		cell = t.p.Paint(color(j), cell)
		if t.columns[j].Right {
			cell, pad = pad+cell, ""
		}
		line.WriteString(cell)
		if j < len(cells)-1 {
			line.WriteString(pad + gap)
		}
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

// Printable shows control characters, which could steer a terminal, as escapes: errors and ids are other people's texts.
func Printable(s string) string {
	if strings.IndexFunc(s, unprintable) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unprintable(r) {
			q := fmt.Sprintf("%q", r)
			b.WriteString(q[1 : len(q)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// unprintable are control characters, and those that change the direction of what follows.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}
