package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// session are the blocks of a document that a person pastes into bash. Blocks of bash are run, and those of a console are
// run line by line, and what comes is compared with what is shown. Blocks of sh in docs/replays.md are examples.
type session struct {
	file     string
	text     string // of the file
	script   string
	commands []*shown
	output   string // everything that came
}

// shown is a command of a console block.
type shown struct {
	line       string
	shown, got string
	from, to   int // of what is shown, in the file's text
}

// Marks stand between what came of one command and the next.
const mark = "\x1e"

// readSession reads the blocks of a section, or of a whole file, whose blocks of sh are run as well.
func readSession(file, heading string) (s session, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return s, err
	}
	s.file, s.text = file, string(b)
	from, to, kinds := 0, len(s.text), "bash|sh"
	if heading != "" {
		kinds = "bash"
		if from = strings.Index(s.text, "\n## "+heading+"\n"); from < 0 {
			return s, fmt.Errorf("%s has no section %q", file, heading)
		}
		if next := strings.Index(s.text[from+1:], "\n## "); next >= 0 {
			to = from + 1 + next
		}
	}
	blocks := regexp.MustCompile("(?ms)^```(" + kinds + "|console)\n(.*?)^```$")
	var script strings.Builder
	for _, m := range blocks.FindAllStringSubmatchIndex(s.text[from:to], -1) {
		kind, body := s.text[from+m[2]:from+m[3]], s.text[from+m[4]:from+m[5]]
		if kind == "console" {
			s.addConsole(&script, body, from+m[4])
			continue
		}
		script.WriteString(body)
	}
	s.script = script.String()
	return s, nil
}

// addConsole adds the commands of a block, which begin with $, each with the lines that follow it.
func (s *session) addConsole(script *strings.Builder, body string, at int) {
	for line := range strings.Lines(body) {
		if command, is := strings.CutPrefix(line, "$ "); is {
			command = strings.TrimSuffix(command, "\n")
			s.commands = append(s.commands, &shown{line: command, from: at + len(line), to: at + len(line)})
			n := len(s.commands) - 1
			_, _ = fmt.Fprintf(script, "printf '%s%d\\n'\n%s\nprintf '%s\\n'\n", mark, n, command, mark) // a builder never fails
		} else if len(s.commands) > 0 {
			c := s.commands[len(s.commands)-1]
			c.shown += line
			c.to += len(line)
		}
		at += len(line)
	}
}

// run runs the session in a directory.
func (s *session) run(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "bash", "-eu", "-o", "pipefail", "-c", "exec 2>&1\n"+s.script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TZ=UTC")
	out, err := cmd.CombinedOutput()
	s.output = string(out)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	even := newEvener()
	for part := range strings.SplitSeq(s.output, mark) {
		number, text, _ := strings.Cut(part, "\n")
		var n int
		if _, err := fmt.Sscan(number, &n); err == nil && n < len(s.commands) {
			s.commands[n].got = even.replace(text)
		}
	}
	return nil
}

// rewrite writes what came into the file.
func (s *session) rewrite() error {
	text := s.text
	for i := len(s.commands) - 1; i >= 0; i-- {
		c := s.commands[i]
		text = text[:c.from] + c.got + text[c.to:]
	}
	return os.WriteFile(s.file, []byte(text), 0o600)
}

// evener puts what is the same in every run in the place of what is not: ids by the order in which they come, times and
// durations. Columns stay in line.
type evener struct {
	seen  map[string]string
	count map[string]int // by form
}

func newEvener() *evener { return &evener{seen: map[string]string{}, count: map[string]int{}} }

var (
	// What passes before the end depends on the machine.
	passing  = regexp.MustCompile(`(?m)^(PENDING|EXPANDING|RUNNING): .*\n`)
	ulidLike = regexp.MustCompile(`\b01[0-9A-HJKMNP-TV-Z]{24}\b`)
	uuidLike = regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)
	runLike  = regexp.MustCompile(`\b(rp|ar)-[0-9A-Za-z_-]{20,78}`)
)

// evened are times and durations, and the headers above them, whose widths follow.
var evened = []struct {
	like *regexp.Regexp
	form string
}{
	{regexp.MustCompile(`\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC\b`), "2026-11-25 03:12:07 UTC"},
	{regexp.MustCompile(`\btook [0-9.]+m?s`), "took 1.2s"},
	{regexp.MustCompile(`:execution:[^:\s]+:`), ":execution:Listings:"},
	{regexp.MustCompile(`\([0-9hms.]+ ago\)`), "(1m2s ago)"},
	{regexp.MustCompile(`UTC +[0-9][0-9hms.]*[hms]  `), "UTC  1m2s  "},
	{regexp.MustCompile(`LAST SEEN +AGO`), "LAST SEEN                 AGO"},
	{regexp.MustCompile(`RECORDED +AGE`), "RECORDED                  AGE"},
	{regexp.MustCompile(`(SUCCEEDED|FAILED   ) +[0-9.]+m?s  `), "$1  1.2s  "},
	{regexp.MustCompile(`OUTCOME +TOOK`), "OUTCOME    TOOK"},
}

func (e *evener) replace(text string) string {
	text = passing.ReplaceAllString(text, "")
	text = ulidLike.ReplaceAllStringFunc(text, e.as("01KAV7Q0ZJ4M3T5W8X9Y2B6C00"))
	text = uuidLike.ReplaceAllStringFunc(text, e.as("6f9d1a94-b1bc-4354-8ea9-39a486431000"))
	text = runLike.ReplaceAllStringFunc(text, e.as("rp-"+strings.Repeat("0", 80)))
	for _, one := range evened {
		text = one.like.ReplaceAllString(text, one.form)
	}
	return text
}

// as gives each id a form with a number at its end, of the same length.
func (e *evener) as(form string) func(string) string {
	return func(id string) string {
		if e.seen[id] == "" {
			e.count[form]++
			number := fmt.Sprint(e.count[form])
			even := form[:len(id)]
			e.seen[id] = even[:len(even)-len(number)] + number
		}
		return e.seen[id]
	}
}
