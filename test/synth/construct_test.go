package synth_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

func bucket(stack awscdk.Stack) awss3.IBucket {
	return awss3.Bucket_FromBucketName(stack, jsii.String("Bucket"), jsii.String("existing"))
}

func codeForAll(code awslambda.Code) *ingestion.FunctionCode {
	return &ingestion.FunctionCode{
		Record: code, Publish: code, Tracker: code, AutoReplay: code, ReplayHandler: code, ReplayListener: code,
		Series: code,
	}
}

// TestConstructIsAScope fails if the embedded construct is set by a literal, as it cannot be passed to CDK then.
func TestConstructIsAScope(t *testing.T) {
	stack := newStack(t)
	r := newIngestion(stack, valid(stack))
	awssqs.NewQueue(r, jsii.String("Extra"), nil)
	awscdk.Tags_Of(r).Add(jsii.String("team"), jsii.String("listings"), nil)
	queue := synth(t, stack).one(t, "AWS::SQS::Queue", "IngestionExtra")
	if !strings.Contains(fmt.Sprint(queue["Tags"]), "Key:team Value:listings") {
		t.Errorf("got tags %v", queue["Tags"])
	}
}

func TestEveryFieldIsSet(t *testing.T) {
	stack := newStack(t)
	v := reflect.ValueOf(newIngestion(stack, valid(stack))).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.IsZero() {
			t.Errorf("%s is not set", v.Type().Field(i).Name)
		}
	}
}

func TestTwoInOneStack(t *testing.T) {
	stack := newStack(t)
	for _, id := range []string{"A", "B"} {
		ingestion.NewReplayableIngestion(stack, jsii.String(id), &ingestion.ReplayableIngestionProps{
			Workflow: pass(stack, "Work"+id), ResourceIdPath: jsii.String("$.id"),
		})
	}
	tpl := synth(t, stack)
	if got := len(tpl.ofType("AWS::StepFunctions::StateMachine")); got != 4 { // of each its own and that of its series
		t.Errorf("got %d state machines, want 4", got)
	}
	if got := len(tpl.ofType("AWS::Lambda::Function")); got != 14 {
		t.Errorf("got %d functions, want 14", got)
	}
}

func TestExistingResourcesAreUsed(t *testing.T) {
	stack := newStack(t)
	props := valid(stack)
	key := awskms.NewKey(stack, jsii.String("Key"), nil)
	props.EventLog = awss3.NewBucket(stack, jsii.String("Mine"), &awss3.BucketProps{Versioned: jsii.Bool(true), EncryptionKey: key})
	props.Topic = awssns.NewTopic(stack, jsii.String("News"), nil)
	r := newIngestion(stack, props)
	if r.EventLog != props.EventLog || r.Topic != props.Topic {
		t.Error("the construct's fields are not what was passed")
	}
	tpl := synth(t, stack)
	if got := len(tpl.ofType("AWS::S3::Bucket")) + len(tpl.ofType("AWS::SNS::Topic")); got != 2 {
		t.Errorf("got %d buckets and topics, want the two that were passed", got)
	}
	env := tpl.one(t, "AWS::Lambda::Function", "IngestionPublishFunction")["Environment"].(map[string]any)["Variables"].(map[string]any)
	if render(env["EVENT_LOG_BUCKET"]) != "${Mine}" || render(env["TOPIC_ARN"]) != "${News}" {
		t.Errorf("got %v", env)
	}
	var keyed []string
	for _, line := range permissions(t, tpl) {
		if role, ok := strings.CutSuffix(line, "  kms:Decrypt  ${Key.Arn}"); ok {
			keyed = append(keyed, role)
		}
	}
	want := "[IngestionAutoReplayRole IngestionPublishRole IngestionRecordRole IngestionReplayHandlerRole IngestionReplayListenerRole IngestionSeriesRole]"
	if got := fmt.Sprint(keyed); got != want {
		t.Errorf("may decrypt: got %s, want %s", got, want)
	}
}

// The pace of replays is a share of what may be started, or of what state transitions suffice for.
func TestThePaceOfReplays(t *testing.T) {
	for _, tt := range []struct {
		name   string
		set    func(*ingestion.ReplayableIngestionProps)
		starts string
		more   string
	}{
		{"150 starts a second, or 500 states: three in an execution", func(*ingestion.ReplayableIngestionProps) {}, "30", ""},
		{"10 states in an execution", func(p *ingestion.ReplayableIngestionProps) {
			p.TransitionsPerExecution = jsii.Number(10)
		}, "10", ""},
		{"in a large Region", func(p *ingestion.ReplayableIngestionProps) {
			p.TransitionsPerExecution, p.StartExecutionRate = jsii.Number(10), jsii.Number(300)
		}, "30", ""},
		{"with a share for requests", func(p *ingestion.ReplayableIngestionProps) {
			p.MaxReplayShare, p.MaxRequestedShare, p.StateTransitionRate = jsii.Number(0.1), jsii.Number(0.5), jsii.Number(5000)
		}, "15", "75"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stack := newStack(t)
			props := valid(stack)
			tt.set(props)
			newIngestion(stack, props)
			tpl := synth(t, stack)
			for _, function := range []string{"AutoReplay", "ReplayListener", "Series"} {
				env := tpl.one(t, "AWS::Lambda::Function", "Ingestion"+function+"Function")["Environment"].(map[string]any)["Variables"].(map[string]any)
				if env["STARTS_PER_SECOND"] != tt.starts {
					t.Errorf("%s has %v, want %s", function, env["STARTS_PER_SECOND"], tt.starts)
				}
				if got, _ := env["REQUESTED_STARTS_PER_SECOND"].(string); function != "AutoReplay" && got != tt.more {
					t.Errorf("%s has %q for requests, want %q", function, got, tt.more)
				}
			}
		})
	}
	stack := newStack(t)
	props := valid(stack)
	props.MaxReplayShare, props.MaxRequestedShare = jsii.Number(0.6), jsii.Number(0.6)
	if message := panics(func() { newIngestion(stack, props) }); !strings.Contains(message, "must be 1 or less together, got 0.6 and 0.6") {
		t.Errorf("got %q", message)
	}
}

func TestPropsReachTheFunctions(t *testing.T) {
	stack := newStack(t)
	props := valid(stack)
	props.OwnerIdPath = jsii.String("$.owner")
	props.Architecture = awslambda.Architecture_X86_64()
	props.AutoReplayInterval = awscdk.Duration_Hours(jsii.Number(1))
	props.RetryOn = jsii.Strings("Geocoder*")
	props.DoNotRetryOn = jsii.Strings("States.Timeout")
	props.MaxAttempts = jsii.Number(7)
	props.BackoffBase = awscdk.Duration_Hours(jsii.Number(2))
	props.BackoffRate = jsii.Number(1.5)
	props.MaxAge = awscdk.Duration_Days(jsii.Number(1))
	props.SettleAfter = awscdk.Duration_Minutes(jsii.Number(2))
	props.UnaccountedAfter = awscdk.Duration_Hours(jsii.Number(3))
	props.CanaryThreshold = jsii.Number(20)
	props.StartExecutionRate = jsii.Number(300)
	props.MaxReplayShare = jsii.Number(0.1)
	props.PauseAlarm = awscloudwatch.Alarm_FromAlarmArn(stack, jsii.String("Trouble"),
		jsii.String("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:trouble"))
	props.SupersedeOlder = jsii.Bool(false)
	props.StoreOutputs = jsii.Bool(false)
	props.Timeout = awscdk.Duration_Minutes(jsii.Number(10))
	props.LogLevel = awslambda.ApplicationLogLevel_WARN
	newIngestion(stack, props)
	tpl := synth(t, stack)
	env := func(function string) map[string]any {
		return tpl.one(t, "AWS::Lambda::Function", "Ingestion"+function+"Function")["Environment"].(map[string]any)["Variables"].(map[string]any)
	}
	want(t, env("AutoReplay"), map[string]string{
		"AUTO_REPLAY": "true", "OWNER_ID_PATH": "$.owner", "DO_NOT_RETRY_ON": `["States.Timeout"]`, "MAX_ATTEMPTS": "7",
		"BACKOFF_BASE": "2h0m0s", "MAX_BACKOFF": "2h0m0s", "BACKOFF_RATE": "1.5", "MAX_AGE": "24h0m0s",
		"SETTLE_AFTER": "2m0s", "SUPERSEDE_OLDER": "false", "UNACCOUNTED_AFTER": "3h0m0s", "CANARY_THRESHOLD": "20",
		"STARTS_PER_SECOND": "30", "PAUSE_ALARM": "trouble", "INTERVAL": "1h0m0s", "INGESTION": "TestIngestion06E85042",
	})
	if retryOn := fmt.Sprint(env("AutoReplay")["RETRY_ON"]); !strings.Contains(retryOn, `"States.Timeout"`) || !strings.HasSuffix(retryOn, `"Geocoder*"]`) {
		t.Errorf("got RETRY_ON %s, want the defaults and Geocoder*", retryOn)
	}
	want(t, env("Record"), map[string]string{"RESOURCE_ID_PATH": "$.id", "OWNER_ID_PATH": "$.owner", "MAX_EVENT_BYTES": "256000"})
	want(t, env("Publish"), map[string]string{"STORE_OUTPUTS": "false", "SUPERSEDE_OLDER": "false"})
	want(t, env("ReplayListener"), map[string]string{"SUPERSEDE_OLDER": "false"})
	want(t, tpl.one(t, "AWS::Scheduler::Schedule", "IngestionSchedule"), map[string]string{"ScheduleExpression": "rate(1 hour)"})
	want(t, tpl.one(t, "AWS::Lambda::Function", "IngestionRecordFunction"), map[string]string{"Architectures": "[x86_64]"})
	asl := definition(t, tpl.one(t, "AWS::StepFunctions::StateMachine", "IngestionStateMachine"))
	if asl["TimeoutSeconds"] != 600.0 {
		t.Errorf("got TimeoutSeconds %v, want 600", asl["TimeoutSeconds"])
	}
}

func TestAutomaticReplaysCanBeSwitchedOff(t *testing.T) {
	stack := newStack(t)
	props := valid(stack)
	props.AutoReplay = jsii.Bool(false)
	newIngestion(stack, props)
	fn := synth(t, stack).one(t, "AWS::Lambda::Function", "IngestionAutoReplayFunction")
	want(t, fn, map[string]string{"Environment.Variables.AUTO_REPLAY": "false"})
}

func TestConcurrencyAndLoops(t *testing.T) {
	stack := newStack(t)
	props := valid(stack)
	props.RecordReservedConcurrency, props.OutcomesMaximumConcurrency = jsii.Number(50), jsii.Number(7)
	props.RecursiveLoop = jsii.Bool(false)
	newIngestion(stack, props)
	tpl := synth(t, stack)
	want(t, tpl.one(t, "AWS::Lambda::Function", "IngestionRecordFunction"), map[string]string{"ReservedConcurrentExecutions": "50"})
	for id, fn := range tpl.ofType("AWS::Lambda::Function") {
		if fn.Properties["RecursiveLoop"] != nil {
			t.Errorf("%s: got RecursiveLoop %v, want it left out", id, fn.Properties["RecursiveLoop"])
		}
	}
	capped := 0
	for _, m := range tpl.ofType("AWS::Lambda::EventSourceMapping") {
		if scaling, _ := m.Properties["ScalingConfig"].(map[string]any); fmt.Sprint(scaling["MaximumConcurrency"]) == "7" {
			capped++
		}
	}
	if capped != 1 {
		t.Errorf("got %d queues with the tracker's cap, want 1", capped)
	}
}

// TestASeriesKeepsNoResults: together they may be 262,144 bytes, and each would hold the input of an event.
func TestASeriesKeepsNoResults(t *testing.T) {
	each := definition(t, minimal(t).one(t, "AWS::StepFunctions::StateMachine", "IngestionSeriesMachine"))["States"].(map[string]any)["Versions"].(map[string]any)
	processor, _ := each["ItemProcessor"].(map[string]any)
	if processor == nil {
		processor, _ = each["Iterator"].(map[string]any)
	}
	ends := 0
	for name, s := range processor["States"].(map[string]any) {
		state := s.(map[string]any)
		if state["End"] != true && state["Type"] != "Succeed" {
			continue
		}
		ends++
		if path, ok := state["OutputPath"]; !ok || path != nil {
			t.Errorf("%s: got OutputPath %v, want null", name, path)
		}
	}
	if ends != 3 {
		t.Errorf("got %d ends, want Over, Run and RunAndContinue", ends)
	}
}
