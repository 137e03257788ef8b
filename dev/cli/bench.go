package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/dev/bench"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

func (a *app) bench() *cobra.Command {
	opts := bench.Options{Out: a.out, Sizes: bench.Full()}
	c := &cobra.Command{
		Use: "bench", Short: "Measure what the construct costs in time, memory, calls and money, and compare it with the baseline",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := find(defaultName)
			if err != nil {
				return err
			}
			if opts.Report == "" {
				opts.Report = p.build("bench.json")
			}
			if opts.Tools, err = toolchain.Install(c.Context(), p.root, false, a.out); err != nil {
				return err
			}
			_, err = bench.Run(c.Context(), opts)
			return err
		},
	}
	c.Flags().StringSliceVar(&opts.Only, "only", nil, fmt.Sprintf("parts to measure, of %s; default: all", strings.Join(bench.Parts(), ", ")))
	c.Flags().StringVar(&opts.Report, "report", "", "file of the report; default: build/bench.json")
	c.Flags().BoolVar(&opts.Update, "update", false, "make what is measured the baseline, and the tables in docs/ anew")
	return c
}
