package synth_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

// orders makes an ingestion in any scope, with a workflow of its own.
func orders(scope constructs.Construct, id string) *ingestion.ReplayableIngestion {
	return ingestion.NewReplayableIngestion(scope, jsii.String(id), &ingestion.ReplayableIngestionProps{
		Workflow: pass(awscdk.Stack_Of(scope), "Work of "+*scope.Node().Path()+" "+id), ResourceIdPath: jsii.String("$.id"),
		ApiCloudWatchRole: jsii.Bool(true),
	})
}

// kinds counts the resources of a template by type.
func kinds(tpl template) map[string]int {
	n := map[string]int{}
	for _, r := range tpl.Resources {
		n[r.Type]++
	}
	return n
}

func TestSeveralIngestionsInOneApp(t *testing.T) {
	app := newApp(t, nil)
	stacks := map[string]awscdk.Stack{}
	for _, name := range []string{"One", "Two", "Three", "Four"} {
		stacks[name] = awscdk.NewStack(app, jsii.String(name), nil)
	}
	orders(stacks["One"], "Orders")
	orders(stacks["Two"], "Orders")
	orders(stacks["Two"], "Returns")
	orders(constructs.NewConstruct(stacks["Three"], jsii.String("Shop")), "Orders")
	orders(constructs.NewConstruct(stacks["Three"], jsii.String("Outlet")), "Orders")
	orders(stacks["Four"], "Orders")
	templates := map[string]template{}
	for name, stack := range stacks { // after all of them are made: CDK synthesizes an app once
		templates[name] = synth(t, stack)
	}

	double := map[string]int{}
	for kind, n := range kinds(templates["One"]) {
		double[kind] = 2 * n
	}
	t.Run("in one stack have resources of their own", func(t *testing.T) {
		if got := kinds(templates["Two"]); !maps.Equal(got, double) {
			t.Errorf("got %v, want %v", got, double)
		}
	})
	t.Run("may have the same id in different scopes", func(t *testing.T) {
		if got := kinds(templates["Three"]); !maps.Equal(got, double) {
			t.Errorf("got %v, want %v", got, double)
		}
	})
	t.Run("have the same logical ids in different stacks", func(t *testing.T) {
		a, b := templates["One"], templates["Four"]
		stateful := 0
		for id, r := range a.Resources {
			switch r.Type {
			case "AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::StepFunctions::StateMachine":
				stateful++
				if b.Resources[id].Type != r.Type {
					t.Errorf("%s of stack One is not in stack Four", id)
				}
			}
		}
		if stateful != 8 {
			t.Errorf("compared %d resources, want 8", stateful)
		}
	})
	t.Run("tell their metrics and APIs apart", func(t *testing.T) {
		seen := map[string]string{}
		for name, tpl := range templates {
			for id, r := range tpl.Resources {
				var is string
				switch {
				case r.Type == "AWS::ApiGateway::RestApi":
					is = "api " + render(r.Properties["Name"])
				case r.Type == "AWS::Lambda::Function" && strings.Contains(id, "AutoReplayFunction"):
					is = "metrics " + render(r.Properties["Environment"].(map[string]any)["Variables"].(map[string]any)["INGESTION"])
				default:
					continue
				}
				if other, taken := seen[is]; taken {
					t.Errorf("%s/%s and %s are both called %s", name, id, other, is)
				}
				seen[is] = name + "/" + id
			}
		}
		if len(seen) != 12 {
			t.Errorf("compared %v, want 6 APIs and 6 functions", slices.Sorted(maps.Keys(seen)))
		}
	})
	t.Run("leave the account's role for API Gateway behind", func(t *testing.T) {
		accounts := templates["Two"].ofType("AWS::ApiGateway::Account")
		if len(accounts) != 2 {
			t.Fatalf("got %d, want 2: whichever is set last is the account's", len(accounts))
		}
		for id, a := range accounts {
			if a.DeletionPolicy != kept {
				t.Errorf("%s: got deletion policy %q, want %s, as other APIs use it", id, a.DeletionPolicy, kept)
			}
		}
	})
}

func TestNamesOfAnyLengthAndKind(t *testing.T) {
	long := strings.Repeat("Listings-And-Orders-", 7)[:128]
	app := newApp(t, nil)
	stack := awscdk.NewStack(app, jsii.String(long), nil)
	for _, id := range []string{strings.Repeat("VeryLongConstructName", 9), "Größe/Straße №1 (new!)", "1"} { // a stack takes 500 resources
		orders(stack, id)
	}
	logical := synth(t, stack).Resources
	if got := kinds(template{Resources: logical})["AWS::S3::Bucket"]; got != 3 {
		t.Errorf("got %d event logs, want 3", got)
	}
	for id, r := range logical {
		if len(id) > 255 {
			t.Errorf("the logical id %s has %d characters, CloudFormation takes 255", id, len(id))
		}
		for property, limit := range map[string]int{"Name": 255, "PolicyName": 128, "Description": 512, "AlarmDescription": 1024} {
			if text, ok := r.Properties[property].(string); ok && utf8.RuneCountInString(text) > limit {
				t.Errorf("%s: %s %q has %d characters, the most is %d", id, property, text, utf8.RuneCountInString(text), limit)
			}
		}
	}
}

// TestNothingHasAFixedName: a name that is fixed keeps a resource from being replaced, and a second stack from being
// deployed.
func TestNothingHasAFixedName(t *testing.T) {
	allowed := map[string]string{
		"AWS::ApiGateway::RestApi.Name":     "names of APIs need not be unique",
		"AWS::ApiGateway::Stage.StageName":  "within the API; it is the version in the URL",
		"AWS::IAM::Policy.PolicyName":       "an inline policy's, within its roles",
		"AWS::CloudWatch::Alarm.MetricName": "of the metric that is watched",
	}
	met := map[string]bool{}
	for name, tpl := range map[string]template{"prod": templateOf(t, "prod"), "defaults": minimal(t)} {
		for id, r := range tpl.Resources {
			for property, value := range r.Properties {
				fixed, isText := value.(string) // anything else is made up by CloudFormation
				if !isText || !strings.HasSuffix(property, "Name") {
					continue
				}
				kind := r.Type + "." + property
				if met[kind] = true; allowed[kind] == "" {
					t.Errorf("%s: %s has the fixed %s %q", name, id, kind, fixed)
				}
			}
		}
	}
	for kind := range allowed {
		if !met[kind] {
			t.Errorf("%s is allowed and does not occur", kind)
		}
	}
}

func TestEnvironments(t *testing.T) {
	here := &awscdk.Environment{Account: jsii.String("123456789012"), Region: jsii.String("eu-central-1")}
	for _, tt := range []struct {
		name  string
		stack func(awscdk.App) awscdk.Stack
		arn   string // of the API, as GrantReplay writes it
	}{
		{"any account and Region", func(app awscdk.App) awscdk.Stack {
			return awscdk.NewStack(app, jsii.String("S"), nil)
		}, "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:"},
		{"a given account and Region", func(app awscdk.App) awscdk.Stack {
			return awscdk.NewStack(app, jsii.String("S"), &awscdk.StackProps{Env: here})
		}, "arn:aws:execute-api:eu-central-1:123456789012:"},
		{"a stage of a pipeline", func(app awscdk.App) awscdk.Stack {
			stage := awscdk.NewStage(app, jsii.String("Prod"), &awscdk.StageProps{Env: here})
			return awscdk.NewStack(stage, jsii.String("S"), nil)
		}, "arn:aws:execute-api:eu-central-1:123456789012:"},
		{"a nested stack", func(app awscdk.App) awscdk.Stack {
			return awscdk.NewNestedStack(awscdk.NewStack(app, jsii.String("S"), nil), jsii.String("N"), nil)
		}, "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stack := tt.stack(newApp(t, nil))
			r := orders(stack, "Orders")
			caller := awsiam.NewRole(stack, jsii.String("Caller"), &awsiam.RoleProps{AssumedBy: awsiam.NewAccountRootPrincipal()})
			r.GrantReplay(caller)
			r.GrantIngest(caller)
			var calls int
			for _, line := range permissions(t, synth(t, stack)) {
				if rest, ok := strings.CutPrefix(line, "Caller  execute-api:Invoke  "); ok {
					calls++
					if !strings.HasPrefix(rest, tt.arn) {
						t.Errorf("got %s, want %s…", rest, tt.arn)
					}
				}
			}
			if calls != 13 {
				t.Errorf("got %d grants, want 13", calls)
			}
		})
	}
}

func TestEveryRoleGetsThePermissionsBoundary(t *testing.T) {
	stack := newStack(t)
	boundary := awsiam.ManagedPolicy_FromManagedPolicyName(stack, jsii.String("Boundary"), jsii.String("developers"))
	awsiam.PermissionsBoundary_Of(stack).Apply(boundary)
	newIngestion(stack, valid(stack))
	roles := synth(t, stack).ofType("AWS::IAM::Role")
	if len(roles) < 10 {
		t.Fatalf("only %d roles", len(roles))
	}
	for id, r := range roles {
		if got := render(r.Properties["PermissionsBoundary"]); !strings.HasSuffix(got, ":policy/developers") {
			t.Errorf("%s: got boundary %s", id, got)
		}
	}
}

func TestAQualifierOfTheBootstrapIsKept(t *testing.T) {
	stack := awscdk.NewStack(newApp(t, nil), jsii.String("S"), &awscdk.StackProps{
		Synthesizer: awscdk.NewDefaultStackSynthesizer(&awscdk.DefaultStackSynthesizerProps{Qualifier: jsii.String("acme")}),
	})
	orders(stack, "Orders")
	functions := synth(t, stack).ofType("AWS::Lambda::Function")
	if len(functions) != 7 {
		t.Fatalf("got %d functions, want 7", len(functions))
	}
	for id, f := range functions {
		if got := fmt.Sprint(f.Properties["Code"]); !strings.Contains(got, "cdk-acme-assets-") {
			t.Errorf("%s: got code %s, want it in the bucket of the qualifier", id, got)
		}
	}
}

// TestTagsReachEveryPart: also what CDK tags with a map or under another name.
func TestTagsReachEveryPart(t *testing.T) {
	stack := newStack(t)
	awscdk.Tags_Of(newIngestion(stack, valid(stack))).Add(jsii.String("team"), jsii.String("listings"), nil)
	taggable := map[string]bool{
		"AWS::S3::Bucket": true, "AWS::DynamoDB::Table": true, "AWS::SNS::Topic": true, "AWS::SQS::Queue": true,
		"AWS::StepFunctions::StateMachine": true, "AWS::Lambda::Function": true, "AWS::IAM::Role": true, "AWS::Logs::LogGroup": true,
		"AWS::ApiGateway::RestApi": true, "AWS::ApiGateway::Stage": true, "AWS::CloudWatch::Alarm": true,
	}
	met := map[string]bool{}
	for id, r := range synth(t, stack).Resources {
		if !taggable[r.Type] {
			continue
		}
		met[r.Type] = true
		if got := fmt.Sprint(r.Properties["Tags"]); !strings.Contains(got, "team") || !strings.Contains(got, "listings") {
			t.Errorf("%s %s: got tags %s", r.Type, id, got)
		}
	}
	if !maps.Equal(met, taggable) {
		t.Errorf("looked at %v, want all of %v", met, taggable)
	}
}
