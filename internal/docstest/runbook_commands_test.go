package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// fakeAWS answers as the AWS CLI does, and keeps the query. The query runs when it is first asked about.
const fakeAWS = `#!/bin/bash
case "$1 $2" in
"lambda get-function-configuration") echo "/group" ;;
"logs start-query")
  while [ "$1" != --query-string ]; do shift; done
  printf %s "$2" > "$DIR/query"
  echo id-1 ;;
"logs get-query-results")
  if [ -e "$DIR/asked" ]; then cat "$DIR/answer"; else touch "$DIR/asked"; echo '{"results": [], "status": "Running"}'; fi ;;
*) echo "aws $*" >&2; exit 2 ;;
esac
`

func TestTheRunbooksLogsHelper(t *testing.T) {
	helper := regexp.MustCompile(`(?ms)^logs\(\) \{.*?^\}$`).FindString(runbookText(t))
	if helper == "" {
		t.Fatal("docs/operations.md has no function logs")
	}
	const row = `{"results": [[{"field": "@timestamp", "value": "2026-11-24 18:00:00.000"}, {"field": "@message", "value": "{\"level\":\"ERROR\"}"},
		{"field": "@ptr", "value": "CmEK"}], [{"field": "@timestamp", "value": "2026-11-24 17:59:00.000"}, {"field": "@ptr", "value": "CmEL"}]], "status": "`
	const lines = "2026-11-24 18:00:00.000  {\"level\":\"ERROR\"}\n2026-11-24 17:59:00.000\n"
	const stats = `filter level = "ERROR" | stats count(*) as lines by message, error`
	for name, c := range map[string]struct {
		query, answer, sent, printed string
		fails                        bool
	}{
		"rows":           {`filter level = "ERROR"`, row + `Complete"}`, `filter level = "ERROR" | sort @timestamp desc | limit 100`, lines, false},
		"a failed query": {`filter level = "ERROR"`, row + `Failed"}`, `filter level = "ERROR" | sort @timestamp desc | limit 100`, lines, true},
		"figures": {
			stats, `{"results": [[{"field": "message", "value": "failure taken in"}, {"field": "lines", "value": "7"}]], "status": "Complete"}`,
			stats, "failure taken in  7\n", false,
		},
		"a message that says stats": {
			`filter message = "no stats "`, `{"results": [], "status": "Complete"}`,
			`filter message = "no stats " | sort @timestamp desc | limit 100`, "", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{"aws": fakeAWS, "answer": c.answer} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), "bash", "-c", "set -u; REGION=eu-west-1; part() { echo name; }\n"+helper+"\nlogs 3 \"$1\"", "bash", c.query)
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "DIR="+dir)
			out, err := cmd.Output()
			if (err != nil) != c.fails || string(out) != c.printed {
				t.Errorf("got %q, %v, want %q", out, err, c.printed)
			}
			sent, err := os.ReadFile(filepath.Join(dir, "query"))
			if err != nil || string(sent) != c.sent {
				t.Errorf("sent the query %q, %v, want %q", sent, err, c.sent)
			}
		})
	}
}

// Commands that look right and are not.
func TestCommandsInDocumentsWork(t *testing.T) {
	wrong := map[string]*regexp.Regexp{
		"the service is called stepfunctions":                            regexp.MustCompile(`\baws states\b`),
		"only GNU's date knows -d":                                       regexp.MustCompile(`\bdate (-u )?-d\b`),
		"curl does not sign a bare * in a query everywhere":              regexp.MustCompile(`(?m)^[^|\n]*(call|curl)\b[^\n]*\?[^\s"']*=[^\s"'&]*\*`),
		"a rebuild runs longer than the CLI waits: --cli-read-timeout 0": regexp.MustCompile(`(?m)^\s*aws lambda invoke (?:[^\n\\]|\\\n)*"rebuild"`),
	}
	commands := 0
	for _, file := range documents(t) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		for why, pattern := range wrong {
			for _, found := range pattern.FindAllString(text, -1) {
				commands++
				if !strings.Contains(found, "--cli-read-timeout 0") {
					t.Errorf("%s: %q: %s", file, found, why)
				}
			}
		}
	}
	if commands < 1 {
		t.Error("found no command that rebuilds: the search is broken")
	}
	inBlock := false
	logical := ""
	for line := range strings.Lines(runbookText(t)) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			inBlock = !inBlock
		}
		logical += line
		if strings.HasSuffix(line, `\`) {
			continue
		}
		calls := regexp.MustCompile(`\baws [a-z0-9-]+ [a-z0-9-]+ `).MatchString(logical)
		if inBlock && calls && !strings.Contains(logical, `--region "$REGION"`) {
			t.Errorf("docs/operations.md: no --region in %s", logical)
		}
		logical = ""
	}
}
