package factory

import (
	"strings"

	"github.com/spf13/pflag"
)

// Hint is a command line that goes on where this one was, with the flags that say where the ingestion is.
func (f *Factory) Hint(command string) string {
	var flags []string
	f.global.VisitAll(func(flag *pflag.Flag) {
		switch flag.Name {
		case "stack", "ingestion", "api-url", "local", "profile", "region", "endpoint-url":
			if flag.Changed {
				flags = append(flags, "--"+flag.Name+value(flag))
			}
		}
	})
	words := append([]string{"replayctl", command}, flags...)
	if strings.Contains(command, " -- ") { // behind it, everything is an argument
		words = append(append([]string{"replayctl"}, flags...), command)
	}
	return strings.Join(words, " ")
}

func value(f *pflag.Flag) string {
	v := f.Value.String()
	if f.NoOptDefVal == v {
		return ""
	}
	return "=" + ShellWord(v)
}

// ShellWord quotes a string so that a shell reads one word.
func ShellWord(text string) string {
	if text == "" || strings.ContainsAny(text, " \t'\"$&;|<>()*?[]#~`\\!") {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return text
}
