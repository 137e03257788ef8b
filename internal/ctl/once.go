package ctl

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// once refuses a second value. pflag would keep the last one without a word, and a selection would lose a part.
type once struct {
	pflag.Value
	given *string
}

func (o *once) Set(s string) error {
	if o.given != nil && *o.given != s {
		return fmt.Errorf("it was given with %q before, and takes one value", *o.given)
	}
	o.given = &s
	return o.Value.Set(s)
}

// takeOnce has the texts of the commands below one be given once. Numbers, and flags that all commands have, may be
// given again: an alias sets them.
func takeOnce(c *cobra.Command) {
	for _, sub := range c.Commands() {
		sub.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Value.Type() == "string" {
				f.Value = &once{Value: f.Value}
			}
		})
		takeOnce(sub)
	}
}
