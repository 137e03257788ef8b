package local

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// What the CDK CLI, jsii and Node.js print besides the cause of a failure.
var (
	noise = regexp.MustCompile(`^!!|feature flag|CloudTrail|NOTICES|^\s*$|acknowledge|Some context values|cdk-cli-warn|` +
		`^# |^exit status \d+$|[Ss]ubprocess exited with|^\[?(ack|warning|WARNING)|deprecated|^goroutine \d+ \[|` +
		`^\s+/\S+\.go:\d+ \+0x|^\s+at |JSII_SILENCE|CDK_VALIDATION|Synthesis time|✨|` +
		`^\S+: (deploying|building|publishing|start: |success: )`)
	// A resource that failed, an error of the compiler, or a panic.
	cause = regexp.MustCompile(`(CREATE|UPDATE|DELETE)_FAILED|^\S+\.go:\d+(:\d+)?: |^panic: |^(\S+: )?[Ee]rror: |no required module provides|` +
		`missing go\.sum entry|updates to go\.(mod|sum) needed|go\.mod file not found|^(\w|\.)*(Error|Exception): |❌`)
)

// mostLines is how much of a log a message shows.
const mostLines = 25

// causeIn is what a log says about a failure: the cause first, and then the end of the log without what does not matter. The
// log file has everything.
func causeIn(path string, from int64) string {
	b, err := os.ReadFile(path) //nolint:gosec // the log written just before
	if err != nil {
		return err.Error()
	}
	return causeFirst(string(b[min(from, int64(len(b))):]))
}

func causeFirst(log string) string {
	var causes, rest []string
	for line := range strings.SplitSeq(log, "\n") {
		line = strings.TrimRight(line, " \r")
		switch {
		case cause.MatchString(line):
			if !slices.Contains(causes, line) {
				causes = append(causes, line)
			}
		case !noise.MatchString(line):
			rest = append(rest, line)
		}
	}
	causes = causes[:min(len(causes), mostLines)]
	rest = rest[max(0, len(rest)-max(mostLines-len(causes), 5)):]
	if len(causes) > 0 && len(rest) > 0 {
		rest = append([]string{"before that:"}, rest...)
	}
	return strings.Join(append(causes, rest...), "\n")
}

// digestOf tells assemblies apart by the templates and assets of their stacks.
func digestOf(assembly string) (string, error) {
	stacks, err := stacksOf(assembly)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, s := range stacks {
		for _, file := range []string{s.template, s.assets} {
			b, err := os.ReadFile(file) //nolint:gosec // a file of the assembly
			if err != nil && !os.IsNotExist(err) {
				return "", err
			}
			_, _ = fmt.Fprintf(h, "%s %d\n", s.name, len(b))
			_, _ = h.Write(b)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
