package synth_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// minimal is the template of a construct with nothing but what is required.
// want compares a property, given by its path, with what it prints as.
func want(t *testing.T, props map[string]any, expected map[string]string) {
	t.Helper()
	for path, text := range expected {
		var v any = props
		for _, step := range strings.Split(path, ".") {
			switch x := v.(type) {
			case map[string]any:
				v = x[step]
			case []any:
				var i int
				if _, err := fmt.Sscan(step, &i); err != nil || i >= len(x) {
					t.Fatalf("%s: no element %s in %v", path, step, x)
				}
				v = x[i]
			default:
				v = nil
			}
		}
		if got := render(v); got != text {
			t.Errorf("%s: got %s, want %s", path, got, text)
		}
	}
}

func TestEventLogIsVersionedPrivateAndEncrypted(t *testing.T) {
	tpl := minimal(t)
	bucket := tpl.one(t, "AWS::S3::Bucket", "IngestionEventLog")
	want(t, bucket, map[string]string{
		"VersioningConfiguration.Status":                                                                  "Enabled",
		"PublicAccessBlockConfiguration.BlockPublicAcls":                                                  "true",
		"PublicAccessBlockConfiguration.BlockPublicPolicy":                                                "true",
		"PublicAccessBlockConfiguration.IgnorePublicAcls":                                                 "true",
		"PublicAccessBlockConfiguration.RestrictPublicBuckets":                                            "true",
		"OwnershipControls.Rules.0.ObjectOwnership":                                                       "BucketOwnerEnforced",
		"BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.SSEAlgorithm": "AES256",
	})
	policy := fmt.Sprint(tpl.one(t, "AWS::S3::BucketPolicy", "IngestionEventLogPolicy"))
	for _, condition := range []string{"aws:SecureTransport:false", "s3:TlsVersion:1.2"} {
		if !strings.Contains(policy, condition) {
			t.Errorf("bucket policy has no denial on %s", condition)
		}
	}
}

func TestLedgerFollowsTheSchema(t *testing.T) {
	table := minimal(t).one(t, "AWS::DynamoDB::Table", "IngestionLedger")
	want(t, table, map[string]string{
		"BillingMode": "PAY_PER_REQUEST",
		"PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled": "true",
		"TimeToLiveSpecification.AttributeName":                       schema.TTL,
		"TimeToLiveSpecification.Enabled":                             "true",
		"KeySchema.0.AttributeName":                                   schema.PartitionKey,
		"KeySchema.1.AttributeName":                                   schema.SortKey,
	})
	for i, index := range schema.Indexes() {
		at := fmt.Sprintf("GlobalSecondaryIndexes.%d.", i)
		want(t, table, map[string]string{
			at + "IndexName":                 index.Name,
			at + "KeySchema.0.AttributeName": index.PartitionKey,
			at + "KeySchema.1.AttributeName": index.SortKey,
			at + "Projection.ProjectionType": "KEYS_ONLY",
		})
	}
}

func TestQueues(t *testing.T) {
	tpl := minimal(t)
	for id, expected := range map[string]map[string]string{
		"IngestionDeadLetterQueue": {"RedrivePolicy": "<nil>"},
		"IngestionOutcomesQueue": {
			"RedrivePolicy.deadLetterTargetArn": "${IngestionDeadLetterQueue.Arn}", "RedrivePolicy.maxReceiveCount": "50",
			"VisibilityTimeout": "180",
		},
		"IngestionReplayQueue": {
			"RedrivePolicy.deadLetterTargetArn": "${IngestionDeadLetterQueue.Arn}", "RedrivePolicy.maxReceiveCount": "100",
			"VisibilityTimeout": "720",
		},
	} {
		queue := tpl.one(t, "AWS::SQS::Queue", id)
		want(t, queue, expected)
		want(t, queue, map[string]string{"MessageRetentionPeriod": "1.2096e+06", "SqsManagedSseEnabled": "true"})
		policy := fmt.Sprint(tpl.one(t, "AWS::SQS::QueuePolicy", id+"Policy"))
		if !strings.Contains(policy, "aws:SecureTransport:false") {
			t.Errorf("%s accepts requests without TLS", id)
		}
	}
}

func TestStateMachine(t *testing.T) {
	want(t, minimal(t).one(t, "AWS::StepFunctions::StateMachine", "IngestionStateMachine"), map[string]string{
		"StateMachineType":                          "STANDARD",
		"TracingConfiguration.Enabled":              "true",
		"LoggingConfiguration.Level":                "ERROR",
		"LoggingConfiguration.IncludeExecutionData": "false",
	})
}

func TestFunctions(t *testing.T) {
	functions := minimal(t).ofType("AWS::Lambda::Function")
	if len(functions) != 7 {
		t.Errorf("got %d functions, want 7", len(functions))
	}
	for id, f := range functions {
		loop, said := f.Properties["RecursiveLoop"] // Terminate is Lambda's default, and not every Region takes the property
		if listener := id == "IngestionReplayListenerFunction"; said != listener || said && loop != "Allow" {
			t.Errorf("%s: got RecursiveLoop %v", id, loop)
		}
		name := strings.TrimSuffix(id, "Function")
		want(t, f.Properties, map[string]string{
			"Runtime": "provided.al2023", "Handler": "bootstrap", "Architectures": "[arm64]",
			"TracingConfig.Mode": "Active", "LoggingConfig.LogFormat": "JSON",
			"LoggingConfig.LogGroup": "${" + name + "Logs}", "Role": "${" + name + "Role.Arn}",
		})
	}
}

func TestLogGroupsExpire(t *testing.T) {
	groups := minimal(t).ofType("AWS::Logs::LogGroup")
	if len(groups) != 10 { // seven functions, two state machines, the API
		t.Errorf("got %d log groups, want 10", len(groups))
	}
	for id, g := range groups {
		want(t, g.Properties, map[string]string{"RetentionInDays": "30"})
		if g.DeletionPolicy != "Delete" {
			t.Errorf("%s outlives the stack", id)
		}
	}
	// Only names that begin so stay out of the account's resource policy; only names that tell stacks apart can stay.
	for _, id := range []string{"IngestionStateMachineLogs", "IngestionSeriesMachineLogs"} {
		name := render(groups[id].Properties["LogGroupName"])
		if !strings.HasPrefix(name, "/aws/vendedlogs/states/TestIngestion") || !strings.Contains(name, "AWS::StackId") {
			t.Errorf("%s is named %s", id, name)
		}
	}
}

func TestEventSources(t *testing.T) {
	stack := newStack(t)
	props := valid(stack)
	props.MaximumConcurrency = jsii.Number(25)
	newIngestion(stack, props)
	found := map[string]string{}
	for _, m := range synth(t, stack).ofType("AWS::Lambda::EventSourceMapping") {
		want(t, m.Properties, map[string]string{"BatchSize": "10", "FunctionResponseTypes": "[ReportBatchItemFailures]"})
		scaling, _ := m.Properties["ScalingConfig"].(map[string]any)
		found[render(m.Properties["EventSourceArn"])] = render(m.Properties["FunctionName"]) + " " + render(scaling["MaximumConcurrency"])
	}
	expected := map[string]string{
		"${IngestionOutcomesQueue.Arn}": "${IngestionTrackerFunction} 3",
		"${IngestionReplayQueue.Arn}":   "${IngestionReplayListenerFunction} 25",
	}
	if !reflect.DeepEqual(found, expected) {
		t.Errorf("got %v, want %v", found, expected)
	}
}

func TestSchedule(t *testing.T) {
	want(t, minimal(t).one(t, "AWS::Scheduler::Schedule", "IngestionSchedule"), map[string]string{
		"ScheduleExpression": "rate(5 minutes)", "State": "ENABLED",
		"Target.Arn": "${IngestionAutoReplayFunction.Arn}", "Target.RoleArn": "${IngestionScheduleRole.Arn}",
	})
}

func TestTopicAcceptsTLSOnly(t *testing.T) {
	policy := fmt.Sprint(minimal(t).one(t, "AWS::SNS::TopicPolicy", "IngestionTopicPolicy"))
	if !strings.Contains(policy, "aws:SecureTransport:false") {
		t.Errorf("got %s", policy)
	}
}

func TestApiAuthorizesEveryMethod(t *testing.T) {
	tpl := minimal(t)
	methods := tpl.ofType("AWS::ApiGateway::Method")
	var verbs []string
	for id, m := range methods {
		verbs = append(verbs, strings.TrimPrefix(id, "IngestionApi"))
		want(t, m.Properties, map[string]string{"AuthorizationType": "AWS_IAM", "Integration.Type": "AWS_PROXY"})
		if slices.Contains([]string{"IngestionApireplaysPOST", "IngestionApifailuresclosePOST", "IngestionApifailuresreopenPOST"}, id) { // those that take a body
			want(t, m.Properties, map[string]string{
				"RequestValidatorId": "${IngestionApiBody}", "RequestModels.application/json": "${IngestionApiJsonObject}",
			})
		}
	}
	slices.Sort(verbs)
	if got := strings.Join(verbs, " "); got != "controlsGET controlsPATCH executionsGET failuresGET failuresclosePOST failuresgroupsGET failuresjobsGET failuresjobsjobIdGET failuresreopenPOST replaysGET replaysPOST replaysreplayIdGET replaysreplayIdPATCH "+
		"replaysreplayIdcancelPOST replaysreplayIdevidenceGET replaysreplayIditemsGET replaysreplayIdpausePOST replaysreplayIdresumePOST "+
		"resourcesGET versionsGET versionsPOST versionsversionIdGET" {
		t.Errorf("got methods %s", got)
	}
	want(t, tpl.one(t, "AWS::ApiGateway::RestApi", "IngestionApi"), map[string]string{"EndpointConfiguration.Types": "[REGIONAL]"})
	want(t, tpl.one(t, "AWS::ApiGateway::Stage", "IngestionApiDeploymentStagev1"), map[string]string{
		"TracingEnabled": "true", "MethodSettings.0.ThrottlingRateLimit": "50", "MethodSettings.0.DataTraceEnabled": "false",
		"AccessLogSetting.DestinationArn": "${IngestionApiLogs.Arn}",
	})
}

func TestGatewayAnswersAreProblems(t *testing.T) {
	responses := minimal(t).ofType("AWS::ApiGateway::GatewayResponse")
	if len(responses) != 20 {
		t.Errorf("got %d gateway responses, want 20", len(responses))
	}
	for id, r := range responses {
		templates := r.Properties["ResponseTemplates"].(map[string]any)
		body, _ := templates["application/problem+json"].(string)
		if len(templates) != 1 { // any other would be taken for those who accept anything
			t.Errorf("%s: got templates %v, want one", id, templates)
		}
		for _, part := range []string{`"type":"about:blank"`, `"title":"`, `"detail":`, `"requestId":"$context.requestId"`} {
			if !strings.Contains(body, part) {
				t.Errorf("%s: no %s in %s", id, part, body)
			}
		}
		if status, ok := r.Properties["StatusCode"].(string); ok && !strings.Contains(body, `"status":`+status+`,`) {
			t.Errorf("%s: answers %s and says %s", id, status, body)
		}
	}
}

// kept is the policy of what outlives the stack, but not a first deployment that fails.
const kept = "RetainExceptOnCreate"

func TestApiCloudWatchRoleIsOptionalAndOutlivesTheStack(t *testing.T) {
	for _, wanted := range []bool{true, false} {
		stack := newStack(t)
		props := valid(stack)
		props.ApiCloudWatchRole = jsii.Bool(wanted)
		newIngestion(stack, props)
		tpl := synth(t, stack)
		account, ok := tpl.ofType("AWS::ApiGateway::Account")["IngestionApiAccount"]
		if ok != wanted {
			t.Errorf("prop %v: got an account setting: %v", wanted, ok)
		}
		if role := tpl.ofType("AWS::IAM::Role")["IngestionApiCloudWatchRole"]; wanted &&
			(account.DeletionPolicy != kept || role.DeletionPolicy != kept) {
			t.Errorf("got deletion policies %s and %s, want %s", account.DeletionPolicy, role.DeletionPolicy, kept)
		}
	}
}

func TestReadyCodeReplacesCompiledCode(t *testing.T) {
	stack := newStack(t)
	props := valid(stack)
	ready := awslambda.Code_FromBucketV2(bucket(stack), jsii.String("ready.zip"), nil)
	props.Code = codeForAll(ready)
	newIngestion(stack, props)
	for id, f := range synth(t, stack).ofType("AWS::Lambda::Function") {
		if got := f.Properties["Code"].(map[string]any)["S3Key"]; got != "ready.zip" {
			t.Errorf("%s: got code %v", id, got)
		}
	}
}
