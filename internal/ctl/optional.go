package ctl

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
)

// withValues joins a flag whose value is optional with the word after it, if that is its value: pflag takes a value
// after = only, and reads the word as an argument. A file is a value. true or false after a switch is an error.
func withValues(root *cobra.Command, args []string) ([]string, error) {
	optional := map[string]*pflag.Flag{}
	collect(root, optional)
	completing := len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) // its last word is not complete
	out := []string{}                                                                    // cobra takes the arguments of the process in the place of nil
	for i := 0; i < len(args); i++ {
		word := args[i]
		if word == "--" {
			return append(out, args[i:]...), nil
		}
		flag, last := optional[word], i+1 >= len(args) || completing && i+2 >= len(args)
		switch {
		case flag == nil || last:
		case flag.Value.Type() != "bool" && isFile(args[i+1]):
			i++
			word += "=" + args[i]
		case flag.Value.Type() == "bool" && slices.Contains([]string{"true", "false"}, args[i+1]):
			return nil, &exit.Error{Code: exit.Usage, Err: fmt.Errorf("%s takes a value after = only, got %q after it", word, args[i+1]),
				Do: []string{fmt.Sprintf("write %s=%s; an argument %s goes after --", word, args[i+1], args[i+1])}}
		}
		out = append(out, word)
	}
	return out, nil
}

func collect(c *cobra.Command, optional map[string]*pflag.Flag) {
	for _, set := range []*pflag.FlagSet{c.PersistentFlags(), c.Flags()} {
		set.VisitAll(func(f *pflag.Flag) {
			if f.NoOptDefVal == "" {
				return
			}
			optional["--"+f.Name] = f
			if f.Shorthand != "" {
				optional["-"+f.Shorthand] = f
			}
		})
	}
	for _, sub := range c.Commands() {
		collect(sub, optional)
	}
}

// isFile reports whether a word names a file: one that exists, or that ends as the file of a local stack does.
func isFile(word string) bool {
	if strings.HasPrefix(word, "-") {
		return false
	}
	if strings.HasSuffix(word, ".json") {
		return true
	}
	info, err := os.Stat(word)
	return err == nil && info.Mode().IsRegular()
}
