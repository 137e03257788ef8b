package workflows_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/test/workflows"
)

// atOnce is how many workflows are tested side by side: most of a test is waiting.
const atOnce = "12"

// sys is the emulator with everything deployed.
var sys struct {
	*local.Stack
	machines *sfn.Client
	lambdas  *lambda.Client
	inbox    *inbox
	parts    map[string]config.Manifest // by case
	bare     map[string]string          // ARNs of bare workflows by case
}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if f := flag.Lookup("test.list"); f != nil && f.Value.String() != "" {
		return m.Run()
	}
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err) // a flag of package testing
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	began := time.Now()
	if err := deploy(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "cannot bring the workflows up: %v\n", err)
		return 1
	}
	defer sys.Stop()
	if testing.Verbose() {
		fmt.Printf("deployed after %.0f s: %v\n", time.Since(began).Seconds(), sys.Timings)
	}
	code := m.Run()
	if code != 0 {
		fmt.Fprintln(os.Stderr, "logs:", sys.LogDir)
	}
	return code
}

func deploy(ctx context.Context) (err error) {
	stacks := []string{workflows.SharedStack}
	for i := 0; i*workflows.PerStack < len(workflows.Cases()); i++ {
		stacks = append(stacks, workflows.StackName(i))
	}
	// Each function handles a few events: one process for each of hundreds of functions is enough.
	sys.Stack, err = local.Start(ctx, local.Options{App: "go run ./test/workflows/app", Stacks: stacks, MaxProcesses: 2})
	if err != nil {
		return err
	}
	cfg := sys.Config()
	sys.machines, sys.lambdas = sfn.NewFromConfig(cfg), lambda.NewFromConfig(cfg)
	sys.parts, sys.bare = map[string]config.Manifest{}, map[string]string{}
	for _, i := range sys.Ingestions {
		sys.parts[i.Path[strings.LastIndex(i.Path, "/")+1:]] = i
	}
	var urls []string
	for _, stack := range stacks[1:] {
		for name, value := range sys.Outputs[stack] {
			if c, ok := strings.CutSuffix(name, workflows.BareOutput("")); ok {
				sys.bare[c] = value
			}
		}
		urls = append(urls, sys.Outputs[stack][workflows.InboxOutput])
	}
	sys.inbox = &inbox{queues: sqs.NewFromConfig(cfg), urls: urls, seen: map[string][]letter{}}
	_, err = s3.NewFromConfig(cfg).PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(workflows.BucketName), Key: aws.String(workflows.NamesKey), Body: strings.NewReader(workflows.NamesBody),
	})
	return err
}
