package ctl

import (
	"strings"

	"github.com/spf13/pflag"
)

// hint is a command line that goes on where this one was, with the flags that say where the ingestion is.
func (a *app) hint(command string) string {
	words := []string{"replayctl", command}
	a.global.VisitAll(func(f *pflag.Flag) {
		switch f.Name {
		case "stack", "ingestion", "api-url", "local", "profile", "region", "endpoint-url":
			if f.Changed {
				words = append(words, "--"+f.Name+value(f))
			}
		}
	})
	return strings.Join(words, " ")
}

func value(f *pflag.Flag) string {
	v := f.Value.String()
	if f.NoOptDefVal == v {
		return ""
	}
	return "=" + shellWord(v)
}

// shellWord is a text as a shell takes it for one word.
func shellWord(text string) string {
	if text == "" || strings.ContainsAny(text, " \t'\"$&;|<>()*?[]#~`\\!") {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return text
}
