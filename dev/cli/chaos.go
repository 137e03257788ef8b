package cli

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/dev/chaos"
	"github.com/ce873799/replayable-ingestion/dev/command"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

func (a *app) chaos() *cobra.Command {
	var seed, report string
	var events int
	var percent []float64
	c := &cobra.Command{
		Use: "chaos", Short: "Run real events through the dev stage while everything around it misbehaves, and check the invariants",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := find(defaultName)
			if err != nil {
				return err
			}
			opts := chaos.Options{Dir: p.root, Events: events, Out: a.out, Report: report, Seed: uint64(rand.Uint32())} //nolint:gosec // printed, to be given again
			if seed != "" {
				if opts.Seed, err = strconv.ParseUint(seed, 10, 64); err != nil {
					return fmt.Errorf("%w: --seed must be a whole number from 0 up, got %q", command.ErrUsage, seed)
				}
			}
			for _, l := range percent {
				if l < 0 || l > 100 {
					return fmt.Errorf("%w: --levels must be percentages from 0 to 100, got %v", command.ErrUsage, l)
				}
				opts.Levels = append(opts.Levels, l/100)
			}
			if opts.Report == "" {
				opts.Report = p.build("chaos.json")
			}
			if _, err := toolchain.Install(c.Context(), p.root, false, a.out); err != nil {
				return err
			}
			_, err = chaos.Run(c.Context(), opts)
			return err
		},
	}
	c.Flags().StringVar(&seed, "seed", "", "seed of everything that is random; default: a new one, which is printed")
	c.Flags().IntVar(&events, "events", 2100, fmt.Sprintf("real events, spread over the levels; at most %d", chaos.MaxEvents))
	c.Flags().Float64SliceVar(&percent, "levels", []float64{1, 5, 20}, "percentages of the functions' requests that are disturbed")
	c.Flags().StringVar(&report, "report", "", "file of the report as JSON; default: build/chaos.json")
	return c
}
