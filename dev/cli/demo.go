package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/dev/demo"
	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/dev/report"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

func (a *app) demo() *cobra.Command {
	var console bool
	c := &cobra.Command{
		Use: "demo", Short: "Deploy the dev stage to an emulator, run real events through it, and stop it again", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := find(defaultName)
			if err != nil {
				return err
			}
			if _, err := toolchain.Install(c.Context(), p.root, false, a.out); err != nil {
				return err
			}
			_, _ = fmt.Fprintln(a.out, "deploying the dev stage to an emulator on this machine")
			stack, err := local.Start(c.Context(), local.Options{Dir: p.root, Progress: a.out})
			if err != nil {
				return err
			}
			defer stack.Stop()
			o := demo.Options{LogDir: stack.LogDir, Out: a.out, Report: p.build("demo.json")}
			if console {
				o.Stack = p.build("demo-stack.json")
				if err := report.Write(o.Stack, stack.Result); err != nil {
					return err
				}
			}
			system, err := stack.System()
			if err != nil {
				return err
			}
			return demo.Run(c.Context(), system, o)
		},
	}
	c.Flags().BoolVar(&console, "console", false, "stop after the outage, and serve replayctl console on it until Ctrl-C")
	return c
}
