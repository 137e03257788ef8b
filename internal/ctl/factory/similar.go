package factory

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Similar lists the names that a word may have been meant to be.
func Similar(word string, names []string) []string {
	c := &cobra.Command{SuggestionsMinimumDistance: 2} // cobra compares its commands, and nothing else
	for _, name := range names {
		c.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	return c.SuggestionsFor(word)
}

// SimilarFlags lists the flags of a command that one it does not have may have been meant to be.
func SimilarFlags(c *cobra.Command, err error) (flags []string) {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return nil
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	for _, name := range Similar(unknown.GetSpecifiedName(), names) {
		flags = append(flags, "--"+name)
	}
	return flags
}
