package output

// Color is how a string is highlighted on a terminal: the parameter of an ANSI escape.
type Color string

// Colors. None carries a meaning that the text does not have.
const (
	Plain  Color = ""
	Bold   Color = "1"
	Dim    Color = "2"
	Red    Color = "31"
	Green  Color = "32"
	Yellow Color = "33"
	Cyan   Color = "36"
)

// Paint highlights a string, if the printer has colors.
func (p *Printer) Paint(c Color, text string) string {
	if !p.Color || c == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}
