package output

import (
	"fmt"
	"io"
	"iter"
	"slices"
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
	Flex  bool          // is shortened first to fit the terminal, at its end; others in the middle
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

// measure widens columns to what is in them, and narrows them to the terminal: first the flexible ones, then the
// widest.
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
	for j, c := range t.columns {
		if c.Flex {
			least := max(minFlex, runewidth.StringWidth(c.Title))
			t.widths[j] -= min(max(0, t.over()), max(0, t.widths[j]-least))
		}
	}
	for _, least := range []int{minWidth, 1} {
		for t.over() > 0 {
			widest := 0
			for j, w := range t.widths {
				if w > t.widths[widest] {
					widest = j
				}
			}
			if t.widths[widest] <= least {
				break
			}
			t.widths[widest]--
		}
	}
}

// over is how many columns a line is wider than the terminal.
func (t *tabler[T]) over() int {
	n := -t.p.Width - len(gap)
	for _, w := range t.widths {
		n += w + len(gap)
	}
	return n
}

const (
	minFlex  = 20
	minWidth = 10 // of any column, unless the terminal is too narrow for that
)

// shorten cuts a string to a width: at its end, or in the middle of an id, whose ends tell it from others.
func shorten(s string, width int, atEnd bool) string {
	if runewidth.StringWidth(s) <= width {
		return s
	}
	if atEnd || width < 5 {
		return runewidth.Truncate(s, width, "…")
	}
	end := (width - 1) / 2
	return runewidth.Truncate(s, width-1-end, "") + "…" + runewidth.TruncateLeft(s, runewidth.StringWidth(s)-end, "")
}

func (t *tabler[T]) line(b *strings.Builder, cells []string, color func(int) Color) {
	var line strings.Builder
	for j, cell := range cells {
		if t.p.Width > 0 {
			cell = shorten(cell, t.widths[j], t.columns[j].Flex)
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

// Printable shows control characters, which could steer a terminal, and invisible ones, which would make two ids look
// the same, as escapes: errors and ids are other people's texts.
func Printable(s string) string {
	if strings.IndexFunc(s, unseen) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unseen(r) {
			q := fmt.Sprintf("%+q", r)
			b.WriteString(q[1 : len(q)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// unseen are also characters without width, such as U+200B, and letters that look like a space.
func unseen(r rune) bool {
	return unprintable(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || slices.Contains([]rune{0x115F, 0x1160, 0x3164, 0xFFA0}, r)
}

// unprintable are control characters, and those that change the direction of what follows.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}
