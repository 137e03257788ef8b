package output

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
)

// Field is a line of a description: a name and what it says. Fields without a value are left out.
type Field struct {
	Name, Value string
	Color       Color
}

// Fields writes a description, one field a line.
func (p *Printer) Fields(w io.Writer, fields ...Field) error {
	width := 0
	for _, f := range fields {
		if f.Value != "" {
			width = max(width, runewidth.StringWidth(f.Name))
		}
	}
	for _, f := range fields {
		if f.Value == "" {
			continue
		}
		pad := strings.Repeat(" ", width-runewidth.StringWidth(f.Name))
		_, err := fmt.Fprintf(w, "%s%s%s%s\n", p.Paint(Bold, f.Name), pad, gap, p.Paint(f.Color, Printable(f.Value)))
		if err != nil {
			return err
		}
	}
	return nil
}

// Time shows a time to the second, in the printer's time zone; nothing for none.
func (p *Printer) Time(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	zone := p.Zone
	if zone == nil {
		zone = time.Local
	}
	return t.In(zone).Format("2006-01-02 15:04:05 MST")
}
