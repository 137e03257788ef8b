package ctl

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
)

// Reference is docs/replayctl.md: every command as its help describes it.
func Reference() string {
	root := newRoot(factory.New(factory.Process{Env: func(string) string { return "" }}))
	var b strings.Builder
	b.WriteString("# replayctl\n\n<!-- Written by `go test ./internal/ctl -update` from the commands themselves. -->\n\n")
	b.WriteString("```sh\ngo install github.com/ce873799/replayable-ingestion/cmd/replayctl@latest\n```\n\n")
	b.WriteString(root.Long[:strings.Index(root.Long, "Exit codes:")])
	b.WriteString("`source <(replayctl completion bash)`, or `zsh`, `fish` and `powershell`, completes commands, flags, replays and stacks.\n")
	b.WriteString("\n## Exit codes\n\n| code | meaning |\n|---|---|\n")
	for _, line := range strings.Split(strings.TrimSuffix(exit.Table(), "\n"), "\n") {
		code, says, _ := strings.Cut(strings.TrimSpace(line), "  ")
		fmt.Fprintf(&b, "| %s | %s |\n", code, says)
	}
	b.WriteString("\n## Flags of every command\n\n")
	writeFlags(&b, root.PersistentFlags())
	for _, c := range root.Commands() {
		writeCommand(&b, c)
	}
	return b.String()
}

func writeCommand(b *strings.Builder, c *cobra.Command) {
	if c.Hidden {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n", c.CommandPath())
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	fmt.Fprintf(b, "%s\n", text)
	if c.Runnable() {
		fmt.Fprintf(b, "\n```\n%s\n```\n", c.UseLine())
	}
	if c.HasExample() {
		fmt.Fprintf(b, "\n```sh\n%s\n```\n", dedent(c.Example))
	}
	if c.HasAvailableLocalFlags() {
		b.WriteString("\n")
		writeFlags(b, c.LocalNonPersistentFlags())
	}
	for _, sub := range c.Commands() {
		writeCommand(b, sub)
	}
}

func writeFlags(b *strings.Builder, flags *pflag.FlagSet) {
	var out bytes.Buffer
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name += ", `-" + f.Shorthand + "`"
		}
		kind, says := pflag.UnquoteUsage(f)
		if kind = strings.ReplaceAll(kind, "|", "\\|"); kind == "" {
			kind = "–"
		}
		if f.NoOptDefVal != "" && f.Value.Type() != "bool" {
			says += "; without a value: " + f.NoOptDefVal
		}
		if d := f.DefValue; d != "" && d != "false" && d != "0" && d != "[]" {
			says += " (default " + d + ")"
		}
		fmt.Fprintf(&out, "| %s | %s | %s |\n", name, kind, strings.ReplaceAll(says, "|", "\\|"))
	})
	if out.Len() > 0 {
		b.WriteString("| flag | value | |\n|---|---|---|\n" + out.String())
	}
}

func dedent(s string) string {
	lines := strings.Split(strings.Trim(s, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "  ")
	}
	return strings.Join(lines, "\n")
}
