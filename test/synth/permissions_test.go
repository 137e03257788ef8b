package synth_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
	"github.com/ce873799/replayable-ingestion/test/calls"
)

// permissions lists what every role of a stack may do: one line per role, action, resource and condition.
func permissions(t *testing.T, tpl template) []string {
	t.Helper()
	var lines []string
	for _, policy := range tpl.ofType("AWS::IAM::Policy") {
		for _, role := range policy.Properties["Roles"].([]any) {
			name := strings.Trim(render(role), "${}")
			for _, s := range policy.Properties["PolicyDocument"].(map[string]any)["Statement"].([]any) {
				s := s.(map[string]any)
				if s["Effect"] != "Allow" {
					continue
				}
				condition := ""
				if s["Condition"] != nil {
					condition = "  if " + inline(t, s["Condition"])
				}
				for _, action := range list(s["Action"]) {
					for _, resource := range list(s["Resource"]) {
						lines = append(lines, fmt.Sprintf("%s  %s  %s%s", name, action, render(resource), condition))
					}
				}
			}
		}
	}
	slices.Sort(lines)
	return lines
}

func list(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

func TestNoManagedPolicies(t *testing.T) {
	for id, role := range templateOf(t, "prod").ofType("AWS::IAM::Role") {
		// The account-wide role of API Gateway is defined by AWS; the example's function has CDK's default role.
		if id == "ListingsApiCloudWatchRole" || id == "EnrichFunctionServiceRole" {
			continue
		}
		if role.Properties["ManagedPolicyArns"] != nil {
			t.Errorf("%s has managed policies, which are wider than needed", id)
		}
	}
}

// TestEveryOperationIsNoted looks for operations of AWS in the source of the functions that no end-to-end test makes: their
// permissions would not be held against anything.
func TestEveryOperationIsNoted(t *testing.T) {
	noted, err := calls.Read()
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	for _, c := range noted {
		made[c.Action] = true
	}
	for _, u := range unnoted {
		made[u.call.Action] = true
	}
	for _, tt := range []struct {
		client  string
		actions map[string]string // where the action is not named like the operation
	}{
		{"dynamodb", map[string]string{"TransactWriteItems": "dynamodb:UpdateItem", "TransactGetItems": "dynamodb:GetItem"}},
		{"s3", map[string]string{"HeadObject": "s3:GetObject", "ListObjectVersions": "s3:ListBucketVersions", "ListObjectsV2": "s3:ListBucket"}},
		{"sqs", map[string]string{"SendMessageBatch": "sqs:SendMessage", "DeleteMessageBatch": "sqs:DeleteMessage"}},
		{"sns", nil},
		{"sfn", nil},
		{"cloudwatch", nil},
	} {
		all := operations(t, tt.client)
		if len(all) == 0 {
			t.Errorf("no calls of %s found: the search is broken", tt.client)
		}
		for _, op := range all {
			action := strings.Replace(tt.client, "sfn", "states", 1) + ":" + op
			if renamed, ok := tt.actions[op]; ok {
				action = renamed
			}
			if !made[action] {
				t.Errorf("no end-to-end test makes a call that needs %s, which a function makes", action)
			}
		}
	}
}

// operations lists the operations of an SDK client for which the functions' packages build an input.
func operations(t *testing.T, client string) []string {
	t.Helper()
	input := regexp.MustCompile(`&` + client + `\.(\w+)Input\{`)
	var found []string
	source := os.DirFS(filepath.Join("..", "..", "internal"))
	err := fs.WalkDir(source, ".", func(path string, d fs.DirEntry, err error) error {
		if path == "ctl" { // replayctl calls as the operator who types
			return fs.SkipDir
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := fs.ReadFile(source, path)
		for _, m := range input.FindAllStringSubmatch(string(b), -1) {
			found = append(found, m[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func TestGrants(t *testing.T) {
	for _, tt := range []struct {
		name  string
		grant func(*ingestion.ReplayableIngestion, awsiam.IGrantable) awsiam.Grant
		want  []string
	}{
		{"GrantIngest", (*ingestion.ReplayableIngestion).GrantIngest, []string{
			"states:StartExecution  ${IngestionStateMachine}",
		}},
		{"GrantReplay", (*ingestion.ReplayableIngestion).GrantReplay, []string{
			"execute-api:Invoke  ${API}/GET/replays",
			"execute-api:Invoke  ${API}/GET/replays/*",
			"execute-api:Invoke  ${API}/GET/replays/*/evidence",
			"execute-api:Invoke  ${API}/GET/replays/*/items",
			"execute-api:Invoke  ${API}/PATCH/controls",
			"execute-api:Invoke  ${API}/PATCH/replays/*",
			"execute-api:Invoke  ${API}/POST/failures/close",
			"execute-api:Invoke  ${API}/POST/failures/reopen",
			"execute-api:Invoke  ${API}/POST/replays",
			"execute-api:Invoke  ${API}/POST/replays/*/cancel",
			"execute-api:Invoke  ${API}/POST/replays/*/pause",
			"execute-api:Invoke  ${API}/POST/replays/*/resume",
			"execute-api:Invoke  ${API}/POST/versions",
		}},
		{"GrantReadHistory", (*ingestion.ReplayableIngestion).GrantReadHistory, []string{
			"execute-api:Invoke  ${API}/GET/controls",
			"execute-api:Invoke  ${API}/GET/executions",
			"execute-api:Invoke  ${API}/GET/failures",
			"execute-api:Invoke  ${API}/GET/failures/groups",
			"execute-api:Invoke  ${API}/GET/failures/jobs",
			"execute-api:Invoke  ${API}/GET/failures/jobs/*",
			"execute-api:Invoke  ${API}/GET/resources",
			"execute-api:Invoke  ${API}/GET/versions",
			"execute-api:Invoke  ${API}/GET/versions/*",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stack := newStack(t)
			r := newIngestion(stack, valid(stack))
			caller := awsiam.NewRole(stack, jsii.String("Caller"), &awsiam.RoleProps{AssumedBy: awsiam.NewAccountRootPrincipal()})
			if !*tt.grant(r, caller).Success() {
				t.Error("the grant reports no success")
			}
			api := "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${IngestionApi}/${IngestionApiDeploymentStagev1}"
			var got []string
			for _, line := range permissions(t, synth(t, stack)) {
				if rest, ok := strings.CutPrefix(line, "Caller  "); ok {
					got = append(got, strings.ReplaceAll(rest, api, "${API}"))
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestEveryTagReachesEveryResource(t *testing.T) {
	stack := newStack(t)
	r := newIngestion(stack, valid(stack))
	awscdk.Tags_Of(r).Add(jsii.String("team"), jsii.String("listings"), nil)
	// What CloudFormation cannot tag, and the event source mappings, which CDK does not.
	tagless := map[string]bool{}
	for _, kind := range []string{
		"AWS::ApiGateway::Account", "AWS::ApiGateway::Deployment", "AWS::ApiGateway::GatewayResponse",
		"AWS::ApiGateway::Method", "AWS::ApiGateway::Model", "AWS::ApiGateway::RequestValidator",
		"AWS::ApiGateway::Resource", "AWS::IAM::Policy", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Permission", "AWS::S3::BucketPolicy",
		"AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "AWS::Scheduler::Schedule",
		"AWS::CloudWatch::Dashboard", // the oldest awscdk gives it no tags
	} {
		tagless[kind] = true
	}
	tpl := synth(t, stack)
	for _, id := range slices.Sorted(maps.Keys(tpl.Resources)) {
		res := tpl.Resources[id]
		if !tagless[res.Type] && !strings.Contains(fmt.Sprint(res.Properties["Tags"]), "map[Key:team Value:listings]") {
			t.Errorf("%s %s has no tag", res.Type, id)
		}
	}
}

// inline is JSON on one line, with intrinsic functions as text.
func inline(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(asText(v))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// asText replaces intrinsic functions in a value.
func asText(v any) any {
	switch x := v.(type) {
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = asText(x[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, member := range x {
			if k == "Ref" || strings.HasPrefix(k, "Fn::") {
				return render(v)
			}
			out[k] = asText(member)
		}
		return out
	}
	return v
}
