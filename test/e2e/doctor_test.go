package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/doctor"
	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
)

// examine runs replayctl doctor on the shared stack.
func examine(ctx context.Context, t *testing.T) map[string]doctor.Finding {
	t.Helper()
	file := filepath.Join(t.TempDir(), "local.json")
	b, err := json.Marshal(sys.Result)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	p := factory.System()
	p.Args, p.Out, p.Err = []string{"doctor", "--local=" + file, "-o", "json"}, &out, &errs
	p.Terminal = factory.Terminal{}
	p.CacheDir = ""
	if code := ctl.Main(ctx, p); code != exit.OK && code != exit.General {
		t.Fatalf("got exit code %d: %s", code, errs.String())
	}
	var doc struct{ Checks []doctor.Finding }
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	found := map[string]doctor.Finding{}
	for _, f := range doc.Checks {
		found[f.Check] = f
	}
	return found
}

func TestDoctorTellsWhatItSees(t *testing.T) {
	var found map[string]doctor.Finding
	eventually(t, patience, "functions are ready", func(ctx context.Context) (bool, error) { // for a while after a deployment, they are not
		found = examine(ctx, t)
		return found["function.Record"].Status == doctor.Pass && found["function.Tracker"].Status == doctor.Pass, nil
	})
	if len(found) < 40 {
		t.Errorf("got %d checks", len(found))
	}
	for name, f := range found {
		if f.Status != doctor.Pass && f.Status != doctor.Skipped {
			t.Errorf("%s: got %s, %s", name, f.Status, f.Detail)
		}
	}
	for _, lack := range sys.Lacks {
		seen := lack.Check == "queue.DeadLetter.age" // only while a failure waits
		for name, f := range found {
			seen = seen || f.Status == doctor.Skipped && lack.Is(name, f.Detail)
		}
		if !seen {
			t.Errorf("the emulator has what dev/local lists as missing: %+v: mend the list, and docs/emulator.md", lack)
		}
	}
}

// breakage is something that may break, and how to mend it.
type breakage struct {
	name, check   string
	detail        string
	harm, restore func(ctx context.Context) error
}

// TestDoctorFindsWhatIsBroken breaks the stack that others use as well, which it can because no test that uses it runs at
// the same time, and mends it.
func TestDoctorFindsWhatIsBroken(t *testing.T) {
	for _, b := range breakages(t) {
		t.Run(b.name, func(t *testing.T) {
			t.Cleanup(func() {
				if err := b.restore(context.Background()); err != nil {
					t.Error(err)
				}
				if f := examine(context.Background(), t)[b.check]; f.Status == doctor.Fail && strings.Contains(f.Detail, b.detail) {
					t.Errorf("it is mended, and doctor says %+v", f)
				}
			})
			if err := b.harm(t.Context()); err != nil {
				t.Fatal(err)
			}
			if f := examine(t.Context(), t)[b.check]; f.Status != doctor.Fail || !strings.Contains(f.Detail, b.detail) || len(f.Remedy) == 0 {
				t.Errorf("got %+v, want a fault with %q and a remedy", f, b.detail)
			}
		})
	}
}

func breakages(t *testing.T) []breakage {
	t.Helper()
	i, cfg := sys.Ingestions[0], sys.Config()
	rules, schedules := eventbridge.NewFromConfig(cfg), scheduler.NewFromConfig(cfg)
	rule := i.Rules["Failure"]
	targets, err := rules.ListTargetsByRule(t.Context(), &eventbridge.ListTargetsByRuleInput{Rule: &rule})
	if err != nil {
		t.Fatal(err)
	}
	mappings, err := sys.Lambda.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{FunctionName: aws.String(i.Functions["ReplayListener"])})
	if err != nil || len(mappings.EventSourceMappings) != 1 {
		t.Fatalf("got %+v, %v, want the mapping of the replay queue", mappings, err)
	}
	redrive, err := sys.Queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &i.ReplayQueueURL, AttributeNames: []sqstypes.QueueAttributeName{"RedrivePolicy"}})
	if err != nil {
		t.Fatal(err)
	}
	ignore := func(_ any, err error) error { return err }
	versioning := func(s s3types.BucketVersioningStatus) func(context.Context) error {
		return func(ctx context.Context) error {
			return ignore(sys.Bucket.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
				Bucket: &i.EventLogBucket, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s},
			}))
		}
	}
	enabled := func(on bool) func(context.Context) error {
		return func(ctx context.Context) error {
			return ignore(sys.Lambda.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{
				UUID: mappings.EventSourceMappings[0].UUID, Enabled: &on,
			}))
		}
	}
	poison := func(to string) func(context.Context) error {
		return func(ctx context.Context) error {
			return ignore(sys.Queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &i.ReplayQueueURL, Attributes: map[string]string{"RedrivePolicy": to}}))
		}
	}
	return []breakage{
		{"a rule is disabled", "rule.Failure", "it is disabled",
			func(ctx context.Context) error {
				return ignore(rules.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: &rule}))
			},
			func(ctx context.Context) error {
				return ignore(rules.EnableRule(ctx, &eventbridge.EnableRuleInput{Name: &rule}))
			}},
		{"a rule has lost its target", "rule.Failure", "it does not send to",
			func(ctx context.Context) error {
				return ignore(rules.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: &rule, Ids: []string{*targets.Targets[0].Id}}))
			},
			func(ctx context.Context) error {
				return ignore(rules.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: &rule, Targets: targets.Targets}))
			}},
		{"the schedule is disabled", "schedule.enabled", "it is disabled",
			func(ctx context.Context) error {
				return setSchedule(ctx, schedules, i.Schedule, schedulertypes.ScheduleStateDisabled)
			},
			func(ctx context.Context) error {
				return setSchedule(ctx, schedules, i.Schedule, schedulertypes.ScheduleStateEnabled)
			}},
		{"a mapping is disabled", "mapping.Replay", "the queue is not read", enabled(false), enabled(true)},
		{"versioning is suspended", "log.versioning", "it is suspended", versioning("Suspended"), versioning("Enabled")},
		{"poison goes to another queue", "queue.Replay", "poison does not go",
			poison(strings.ReplaceAll(redrive.Attributes["RedrivePolicy"], queueName(i.DeadLetterQueueURL), queueName(i.OutcomesQueueURL))), poison(redrive.Attributes["RedrivePolicy"])},
	}
}

func queueName(url string) string { return url[strings.LastIndex(url, "/")+1:] }

// setSchedule repeats all of a schedule: an update that leaves something out resets it.
func setSchedule(ctx context.Context, client *scheduler.Client, name string, state schedulertypes.ScheduleState) error {
	s, err := client.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: &name})
	if err != nil {
		return fmt.Errorf("read schedule %s: %w", name, err)
	}
	_, err = client.UpdateSchedule(ctx, &scheduler.UpdateScheduleInput{
		Name: &name, GroupName: s.GroupName, State: state, ScheduleExpression: s.ScheduleExpression,
		FlexibleTimeWindow: s.FlexibleTimeWindow, Target: s.Target, Description: s.Description,
	})
	if err != nil {
		return fmt.Errorf("update schedule %s: %w", name, err)
	}
	return nil
}
