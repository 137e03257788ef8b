package local

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
)

// verify checks that event source mappings, rules and schedules exist and are enabled. The emulator reports a stack as
// complete even when it left a resource out.
func verify(ctx context.Context, cfg aws.Config, d *deployed) error {
	return errors.Join(
		verifyMappings(ctx, lambda.NewFromConfig(cfg), d),
		verifyRules(ctx, eventbridge.NewFromConfig(cfg), d),
		verifySchedules(ctx, scheduler.NewFromConfig(cfg), d),
	)
}

func verifyMappings(ctx context.Context, client *lambda.Client, d *deployed) error {
	var errs []error
	for _, m := range d.ofType("AWS::Lambda::EventSourceMapping") {
		got, err := client.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &m.physicalID})
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("event source mapping %s: %w", m.logicalID, err))
		case aws.ToString(got.State) != "Enabled":
			errs = append(errs, fmt.Errorf("event source mapping %s is %s, want Enabled", m.logicalID, aws.ToString(got.State)))
		}
	}
	return errors.Join(errs...)
}

func verifyRules(ctx context.Context, client *eventbridge.Client, d *deployed) error {
	var errs []error
	for _, r := range d.ofType("AWS::Events::Rule") {
		var want struct{ Targets []struct{ ID string } }
		if err := r.properties(&want); err != nil {
			return err
		}
		rule, err := client.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: &r.physicalID})
		if err != nil {
			errs = append(errs, fmt.Errorf("rule %s: %w", r.logicalID, err))
			continue
		}
		targets, err := client.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: &r.physicalID})
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("targets of rule %s: %w", r.logicalID, err))
		case rule.State != "ENABLED" || len(targets.Targets) != len(want.Targets):
			errs = append(errs, fmt.Errorf("rule %s is %s with %d targets, want ENABLED with %d", r.logicalID, rule.State, len(targets.Targets), len(want.Targets)))
		}
	}
	return errors.Join(errs...)
}

func verifySchedules(ctx context.Context, client *scheduler.Client, d *deployed) error {
	var errs []error
	for _, s := range d.ofType("AWS::Scheduler::Schedule") {
		got, err := client.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: &s.physicalID})
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("schedule %s: %w", s.logicalID, err))
		case got.State != "ENABLED":
			errs = append(errs, fmt.Errorf("schedule %s is %s, want ENABLED", s.logicalID, got.State))
		}
	}
	return errors.Join(errs...)
}
