package factory

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
)

// Arguments checks that a command has the arguments that are named: the first least of them are required. It names the
// one that is missing, and one that is too many.
func Arguments(least int, names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		var err error
		var meant []string
		switch {
		case len(args) < least:
			err = fmt.Errorf("%s is missing", names[len(args)])
		case len(args) > len(names):
			err = fmt.Errorf("unexpected argument %q", args[len(names)])
			meant = similarCommands(c, args[len(names)])
		}
		for i, arg := range args {
			if err == nil && i < len(names) && strings.TrimSpace(arg) == "" {
				err = fmt.Errorf("%s is empty", names[i])
			}
		}
		if err == nil {
			return nil
		}
		return &exit.Error{Code: exit.Usage, Err: err, Do: append(meant, "usage: "+c.UseLine(), "`"+c.CommandPath()+" --help` has examples")}
	}
}

// similarCommands asks whether an argument was meant as a command below another one.
func similarCommands(c *cobra.Command, arg string) (meant []string) {
	var names []string
	for _, sub := range c.Commands() {
		names = append(names, sub.Name())
	}
	for _, name := range Similar(arg, names) {
		meant = append(meant, "did you mean "+c.CommandPath()+" "+name+"?")
	}
	return meant
}

// NoArguments checks that a command has none.
func NoArguments(c *cobra.Command, args []string) error { return Arguments(0)(c, args) }
