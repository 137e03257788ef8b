package listings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
)

// Stage is the configuration of one stage in cdk.json.
type Stage struct {
	Name               string  `json:"-"`
	RemovalPolicy      string  `json:"removalPolicy"`    // of data: destroy or retain
	LogRetentionDays   int     `json:"logRetentionDays"` // one of retentions
	NoncurrentDays     float64 `json:"noncurrentDays"`
	AutoReplayMinutes  float64 `json:"autoReplayMinutes"`
	BackoffBaseSeconds float64 `json:"backoffBaseSeconds"`
	SettleAfterMinutes float64 `json:"settleAfterMinutes"`
	CanaryThreshold    float64 `json:"canaryThreshold"` // higher in dev, where the demo's outage is to heal within a minute
	Firewall           bool    `json:"firewall"`        // a web ACL before the API; not in dev, as the emulator has none
}

// Context is what cdk.json and the command line say.
type Context struct {
	Service      string
	Stages       []Stage                // those to synthesize, by name
	Architecture awslambda.Architecture // nil: the default
}

// contextReader is the part of a construct's node that holds context; nil means not set.
type contextReader interface {
	TryGetContext(key *string) any
}

// ReadContext reads and checks the context. The error names every fault.
func ReadContext(node contextReader) (Context, error) {
	get := func(key string) any { return node.TryGetContext(&key) }
	var c Context
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	var ok bool
	if c.Service, ok = get("service").(string); !ok || !tagValue.MatchString(c.Service) {
		fault(`context service must be a name such as "listing-importer", got %v`, show(get("service")))
	}
	stages, err := readStages(get("stages"))
	if err != nil {
		errs = append(errs, err)
	}
	switch name := get("stage").(type) {
	case nil:
		c.Stages = stages
	default:
		i := slices.IndexFunc(stages, func(s Stage) bool { return s.Name == name })
		if i >= 0 {
			c.Stages = stages[i : i+1]
		} else {
			fault("context stage must be one of the stages in cdk.json, got %s", show(name))
		}
	}
	switch arch := get("architecture"); arch {
	case nil:
	case "arm64":
		c.Architecture = awslambda.Architecture_ARM_64()
	case "x86_64":
		c.Architecture = awslambda.Architecture_X86_64()
	default:
		fault("context architecture must be arm64 or x86_64, got %s", show(arch))
	}
	return c, errors.Join(errs...)
}

var (
	stageName = regexp.MustCompile(`^[a-z][a-z0-9]{0,19}$`)
	tagValue  = regexp.MustCompile(`^[A-Za-z0-9 _.:/=+@-]{1,256}$`)
)

// readStages returns the stages in the order of their names, those with faults included.
func readStages(value any) ([]Stage, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("context stages: %w", err)
	}
	var byName map[string]json.RawMessage
	if err := json.Unmarshal(raw, &byName); err != nil || len(byName) == 0 {
		return nil, fmt.Errorf("context stages must be an object with a member for each stage, got %s", raw)
	}
	var stages []Stage
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		s := Stage{Name: name}
		d := json.NewDecoder(bytes.NewReader(byName[name]))
		d.DisallowUnknownFields()
		if err := d.Decode(&s); err != nil {
			errs = append(errs, fmt.Errorf("context stages.%s: %w", name, err))
		} else {
			errs = append(errs, s.faults()...)
		}
		stages = append(stages, s)
	}
	return stages, errors.Join(errs...)
}

func (s Stage) faults() []error {
	var errs []error
	fault := func(field, want string, got any) {
		errs = append(errs, fmt.Errorf("context stages.%s%s must be %s, got %s", s.Name, field, want, show(got)))
	}
	if !stageName.MatchString(s.Name) {
		fault("", "named with 1 to 20 lower case letters and digits", s.Name)
	}
	if s.RemovalPolicy != "destroy" && s.RemovalPolicy != "retain" {
		fault(".removalPolicy", `"destroy" or "retain"`, s.RemovalPolicy)
	}
	if _, ok := retentions[s.LogRetentionDays]; !ok {
		fault(".logRetentionDays", fmt.Sprint("one of ", slices.Sorted(maps.Keys(retentions))), s.LogRetentionDays)
	}
	for _, n := range []struct {
		field   string
		value   float64
		highest float64
	}{
		{".noncurrentDays", s.NoncurrentDays, 36_500},
		{".autoReplayMinutes", s.AutoReplayMinutes, 60},
		{".backoffBaseSeconds", s.BackoffBaseSeconds, 43_200},
		{".settleAfterMinutes", s.SettleAfterMinutes, 1_440},
		{".canaryThreshold", s.CanaryThreshold, 10_000},
	} {
		if n.value < 1 || n.value > n.highest || n.value != math.Trunc(n.value) {
			fault(n.field, fmt.Sprintf("a whole number from 1 to %v", n.highest), n.value)
		}
	}
	return errs
}

var retentions = map[int]awslogs.RetentionDays{
	1:   awslogs.RetentionDays_ONE_DAY,
	7:   awslogs.RetentionDays_ONE_WEEK,
	14:  awslogs.RetentionDays_TWO_WEEKS,
	30:  awslogs.RetentionDays_ONE_MONTH,
	90:  awslogs.RetentionDays_THREE_MONTHS,
	180: awslogs.RetentionDays_SIX_MONTHS,
	365: awslogs.RetentionDays_ONE_YEAR,
}

func (s Stage) logRetention() awslogs.RetentionDays { return retentions[s.LogRetentionDays] }

func (s Stage) removalPolicy() awscdk.RemovalPolicy {
	if s.RemovalPolicy == "destroy" {
		return awscdk.RemovalPolicy_DESTROY
	}
	return awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
}

// show prints a value as it stands in cdk.json.
func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
