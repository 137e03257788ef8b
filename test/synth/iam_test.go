package synth_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/dev/iam"
	"github.com/ce873799/replayable-ingestion/test/calls"
)

// unnoted are calls that no end-to-end test makes, and why. Each must be allowed, and some permission be needed for
// it alone.
var unnoted = []struct {
	call iam.Call
	why  string
}{
	{iam.Call{Function: "AutoReplay", Action: "cloudwatch:DescribeAlarms", Resource: pauseAlarm},
		"The emulator does not speak the protocol of CloudWatch's client: internal/aws/cloudwatch has a test of the call."},
}

// unused are permissions that no call uses, and why they are there. Expressions are for the text of a permission.
var unused = []struct{ permission, why string }{
	{`^Ingestion(Series|State)MachineRole: kms:.*:stateMachineArn StringEquals .*:stateMachine:$`,
		"CDK grants it for a state machine without a name, which none is. It allows nothing."},
	{`^IngestionReplayListenerRole: kms:GenerateDataKey .* if kms:ViaService StringEquals states\.`,
		"No guide says clearly that StartExecution does without it. docs/aws.md has the assumption."},
	{`^EnrichFunctionServiceRole: ssm:(GetParameters|GetParameterHistory|DescribeParameters) `,
		"CDK's own grant, to the example's function."},
	{`^ListingsStateMachineRole: lambda:InvokeFunction on .*:function:Enrich[^:]*:\*$`,
		"CDK's own task, of the example's workflow, may invoke versions of its function too."},
	{`^IngestionSeriesRole: (lambda:InvokeFunction on .*:function:Fix|s3:GetObject on .*/derived/)`,
		"A series transforms its versions as other replays do. No end-to-end test has one with a function."},
}

// withAlarm is the variant with a PauseAlarm.
const withAlarm = "existing, each with its key, and an alarm"

const pauseAlarm = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:trouble"

// account reads the template of a stack.
func account(t *testing.T, stack awscdk.Stack) *iam.Account {
	t.Helper()
	b, err := json.Marshal(rawTemplate(stack))
	if err != nil {
		t.Fatal(err)
	}
	return accountOf(t, b)
}

func accountOf(t *testing.T, template []byte) *iam.Account {
	t.Helper()
	a, err := iam.Read(template)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// accounts are those of all stages and variants. Each is made when it is asked for.
func accounts(t *testing.T) map[string]func() *iam.Account {
	t.Helper()
	all := map[string]func() *iam.Account{}
	for name := range stacks() {
		all[name] = func() *iam.Account { return accountOf(t, sharedTemplate(t, name)) }
	}
	all[withTransforms] = func() *iam.Account { return account(t, newTransforms(t)) }
	for _, w := range otherWorkflows {
		all[w.title] = func() *iam.Account {
			stack := newStack(t)
			props := valid(stack)
			props.Workflow = w.make(stack)
			newIngestion(stack, props)
			return account(t, stack)
		}
	}
	all[withAlarm] = func() *iam.Account {
		stack := newStack(t)
		props := valid(stack)
		props.EventLog = awss3.NewBucket(stack, jsii.String("Mine"), &awss3.BucketProps{
			Versioned: jsii.Bool(true), Encryption: awss3.BucketEncryption_KMS,
			EncryptionKey: awskms.NewKey(stack, jsii.String("BucketKey"), nil),
		})
		props.Topic = awssns.NewTopic(stack, jsii.String("News"), &awssns.TopicProps{
			MasterKey: awskms.NewKey(stack, jsii.String("TopicKey"), nil),
		})
		props.PauseAlarm = awscloudwatch.Alarm_FromAlarmArn(stack, jsii.String("Trouble"), jsii.String(pauseAlarm))
		newIngestion(stack, props)
		return account(t, stack)
	}
	return all
}

// withTransforms is the variant with a function of the user that replays invoke.
const withTransforms = "transforms"

func newTransforms(t *testing.T) awscdk.Stack {
	stack := newStack(t)
	props := valid(stack)
	fix := userFunction(stack, "Fix")
	props.Transforms = &map[string]awslambda.IFunction{"fix": fix}
	newIngestion(stack, props)
	awscdk.NewCfnOutput(stack, jsii.String("TransformArn"), &awscdk.CfnOutputProps{Value: fix.FunctionArn()})
	return stack
}

// made reports whether a call of the end-to-end tests is made in a variant: those of a transform, where there is one, and no
// redrive around an EXPRESS state machine.
func made(variant string, c iam.Call) bool {
	switch {
	case c.Resource == "Transform", c.Action == "s3:GetObject" && c.Resource == "EventLog/derived/*" && c.Function == "ReplayListener":
		return variant == withTransforms
	case c.Action == "states:RedriveExecution":
		return !strings.Contains(variant, "EXPRESS")
	}
	return true
}

// TestEveryCallIsAllowedAndEveryPermissionUsed holds the calls that the functions made in the end-to-end tests, and
// those that AWS's services make for the resources, against the policies of every stage and variant.
func TestEveryCallIsAllowedAndEveryPermissionUsed(t *testing.T) {
	noted, err := calls.Read()
	if err != nil {
		t.Fatal(err)
	}
	if len(noted) < 50 {
		t.Errorf("got %d noted calls, want 50 or more", len(noted))
	}
	found := map[string]bool{}
	needed, explained := map[int]bool{}, map[int]bool{}
	all := accounts(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			a := all[name]()
			requests, err := a.Services()
			if err != nil {
				t.Fatal(err)
			}
			decide := func(requests []iam.Request) {
				t.Helper()
				for _, r := range requests {
					if d := a.Decide(r); d.Denied != "" {
						t.Errorf("%s denies what is called: %s", d.Denied, r)
					} else if !d.Allowed {
						t.Errorf("nothing allows %s", r)
					}
				}
			}
			decide(requests)
			for _, c := range noted {
				if !made(name, c) {
					continue
				}
				requests, err := a.Requests(c)
				if err != nil {
					t.Fatal(err)
				}
				found[c.Function] = found[c.Function] || len(requests) > 0
				decide(requests)
			}
			for i, u := range unnoted {
				before := len(a.Unused())
				requests, err := a.Requests(u.call)
				if err != nil {
					t.Fatal(err)
				}
				if name == withAlarm || u.call.Resource != pauseAlarm {
					decide(requests)
				}
				needed[i] = needed[i] || len(a.Unused()) < before
			}
			for _, p := range a.Unused() {
				why := slices.IndexFunc(unused, func(u struct{ permission, why string }) bool {
					return regexp.MustCompile(u.permission).MatchString(p.String())
				})
				if why < 0 {
					t.Errorf("nothing uses the permission %s: take it away, or say in unused what it is for", p)
				}
				explained[why] = true
			}
		})
	}
	for _, c := range noted {
		if !found[c.Function] {
			t.Errorf("no stack has the function %s, of which a call is kept", c.Function)
		}
	}
	for i, u := range unnoted {
		if !needed[i] {
			t.Errorf("every permission for %+v is used without it: take it out of unnoted", u.call)
		}
	}
	for i, u := range unused {
		if !explained[i] {
			t.Errorf("no permission is unused that %s fits: take it out of unused", u.permission)
		}
	}
}
