package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// PrintableJSON shows what could steer a terminal as JSON escapes it, so that the text stays the same JSON. In JSON,
// such characters stand in strings only.
func PrintableJSON(s string) string {
	if strings.IndexFunc(s, unprintable) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unprintable(r) && r != '\n' {
			fmt.Fprintf(&b, `\u%04x`, r) // none of them is above U+FFFF
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// name is the name of a member, at the beginning of a line of indented JSON.
var name = regexp.MustCompile(`(?m)^( *)("(?:[^"\\]|\\.)*")(:)`)

// Document shows a JSON document to people: indented, in its own order, with every digit of its numbers.
func (p *Printer) Document(w io.Writer, doc []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(doc), "", "  "); err != nil {
		return fmt.Errorf("the document is not valid JSON: %w", err)
	}
	text := PrintableJSON(b.String())
	if p.Color {
		text = name.ReplaceAllString(text, "$1\x1b["+string(Cyan)+"m$2\x1b[0m$3")
	}
	_, err := io.WriteString(w, text+"\n")
	return err
}

// Age says how long something has been, in its two largest units.
func Age(seconds int64) string {
	switch {
	case seconds < 0:
		return "0s"
	case seconds < 60:
		return fmt.Sprintf("%ds", seconds)
	case seconds < 3_600:
		return two(seconds/60, "m", seconds%60, "s")
	case seconds < 86_400:
		return two(seconds/3_600, "h", seconds%3_600/60, "m")
	default:
		return two(seconds/86_400, "d", seconds%86_400/3_600, "h")
	}
}

func two(a int64, unitA string, b int64, unitB string) string {
	if b == 0 || a >= 10 {
		return fmt.Sprintf("%d%s", a, unitA)
	}
	return fmt.Sprintf("%d%s%d%s", a, unitA, b, unitB)
}

// Size shows a number of bytes.
func Size(n int64) string {
	switch {
	case n < 1_000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1_000)
	default:
		return fmt.Sprintf("%.1f MB", float64(n)/1_000_000)
	}
}
