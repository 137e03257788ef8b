package smoke

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/middleware"

	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/internal/aws/sdk"
)

// Exit codes of Main.
const (
	exitOK     = 0
	exitFailed = 1 // a check failed, or the checks could not be run
	exitUsage  = 2
)

// Main runs the checks from a command line: results go to out as they arrive, everything else to errOut. It returns the
// exit code. The AWS settings come from the environment, including AWS_ENDPOINT_URL.
func Main(ctx context.Context, args []string, out, errOut io.Writer) int {
	flags := flag.NewFlagSet("smoke", flag.ContinueOnError)
	flags.SetOutput(errOut)
	stack := flags.String("stack", "listings-dev", "name of the deployed stack")
	emulator := flags.Bool("emulator", false, "the stack is deployed to MiniStack, at AWS_ENDPOINT_URL")
	only := flags.String("only", "", "names of checks, separated by commas (all)")
	list := flags.Bool("list", false, "list the checks and run none")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitOK
		}
		return exitUsage
	}
	if flags.NArg() > 0 {
		_, _ = fmt.Fprintf(errOut, "smoke: unexpected argument %q\n", flags.Arg(0))
		return exitUsage
	}
	if *list {
		_, _ = io.WriteString(out, catalogue())
		return exitOK
	}
	opts := Options{Emulator: *emulator, Report: func(r Result) { _, _ = io.WriteString(out, Table([]Result{r})) }}
	if *only != "" {
		opts.Only = strings.Split(*only, ",")
	}
	if err := runOn(ctx, *stack, opts); err != nil {
		_, _ = fmt.Fprintf(errOut, "smoke: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func runOn(ctx context.Context, stack string, opts Options) error {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithAPIOptions([]func(*middleware.Stack) error{sdk.PlainBodies}))
	if err != nil {
		return fmt.Errorf("AWS settings: %w", err)
	}
	if opts.Outputs, err = Outputs(ctx, cfg, stack); err != nil {
		return err
	}
	if opts.Emulator {
		if cfg.BaseEndpoint == nil {
			return errors.New("with -emulator, AWS_ENDPOINT_URL must be set")
		}
		opts.APIURL = observe.EmulatorAPI(strings.TrimSuffix(*cfg.BaseEndpoint, "/"), opts.Outputs["ApiUrl"])
	}
	_, err = Run(ctx, cfg, opts)
	return err
}

// catalogue lists the checks.
func catalogue() string {
	var b strings.Builder
	for _, c := range checks() {
		fmt.Fprintf(&b, "%s\n    %s\n", c.name, c.proves)
		switch {
		case c.realOnly:
			fmt.Fprintf(&b, "    not on the emulator: %s\n", c.emulator)
		case c.emulator != "":
			fmt.Fprintf(&b, "    on the emulator in part: %s\n", c.emulator)
		}
	}
	return b.String()
}
