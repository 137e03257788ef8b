package synth_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

// fullProps are props with everything set, in as many variants as exclude each other. A new prop is set in one of them.
func fullProps(stack awscdk.Stack) []*ingestion.ReplayableIngestionProps {
	code := awslambda.Code_FromBucketV2(bucket(stack), jsii.String("ready.zip"), nil)
	onCall := []awscloudwatch.IAlarmAction{awscloudwatchactions.NewSnsAction(awssns.NewTopic(stack, jsii.String("OnCall"), nil))}
	return []*ingestion.ReplayableIngestionProps{
		{
			Workflow:                    pass(stack, "Work"),
			ResourceIdPath:              jsii.String("$.id"),
			OwnerIdPath:                 jsii.String("$.owner"),
			Timeout:                     awscdk.Duration_Minutes(jsii.Number(10)),
			NoncurrentVersionExpiration: awscdk.Duration_Days(jsii.Number(60)),
			NoncurrentVersionsToRetain:  jsii.Number(3),
			NoncurrentVersionTransition: &awss3.NoncurrentVersionTransition{
				StorageClass: awss3.StorageClass_INFREQUENT_ACCESS(), TransitionAfter: awscdk.Duration_Days(jsii.Number(30)),
			},
			Transforms: &map[string]awslambda.IFunction{"fix": awslambda.Function_FromFunctionArn(stack, jsii.String("Fix"),
				jsii.String("arn:aws:lambda:eu-west-1:123456789012:function:fix"))},
			OutputExpiration:     awscdk.Duration_Days(jsii.Number(30)),
			DerivedExpiration:    awscdk.Duration_Days(jsii.Number(20)),
			UnrecordedExpiration: awscdk.Duration_Days(jsii.Number(90)),
			StoreOutputs:         jsii.Bool(true),
			RemovalPolicy:        awscdk.RemovalPolicy_DESTROY,
			Architecture:         awslambda.Architecture_X86_64(),
			Code:                 codeForAll(code),
			LogRetention:         awslogs.RetentionDays_ONE_WEEK,
			AutoReplay:           jsii.Bool(true),
			AutoReplayInterval:   awscdk.Duration_Minutes(jsii.Number(10)),
			RetryOn:              jsii.Strings("Geocoder*"),
			DoNotRetryOn:         jsii.Strings("States.Timeout"),
			MaxAttempts:          jsii.Number(3),
			BackoffBase:          awscdk.Duration_Minutes(jsii.Number(2)),
			BackoffRate:          jsii.Number(3),
			MaxBackoff:           awscdk.Duration_Hours(jsii.Number(2)),
			MaxAge:               awscdk.Duration_Days(jsii.Number(2)),
			SupersedeOlder:       jsii.Bool(true),
			CloseSuperseded:      jsii.Bool(true),
			CanaryThreshold:      jsii.Number(20),
			StartExecutionRate:   jsii.Number(300),
			MaxReplayShare:       jsii.Number(0.1),
			MaxRequestedShare:    jsii.Number(0.4),
			StateTransitionRate:  jsii.Number(1500),

			TransitionsPerExecution: jsii.Number(7.5),
			PauseAlarm: awscloudwatch.Alarm_FromAlarmArn(stack, jsii.String("Trouble"),
				jsii.String("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:trouble")),
			SettleAfter:        awscdk.Duration_Minutes(jsii.Number(10)),
			UnaccountedAfter:   awscdk.Duration_Hours(jsii.Number(3)),
			MaximumConcurrency: jsii.Number(5),

			OutcomesMaximumConcurrency: jsii.Number(7),
			RecordReservedConcurrency:  jsii.Number(50),
			RecursiveLoop:              jsii.Bool(false),
			EncryptionKey:              awskms.NewKey(stack, jsii.String("Key"), nil),

			LogLevel:             awslambda.ApplicationLogLevel_WARN,
			Alarms:               jsii.Bool(true),
			AlarmActions:         &onCall,
			OkActions:            &onCall,
			RunbookUrl:           jsii.String("https://example.com/runbook"),
			FailureRateThreshold: jsii.Number(10),
			QuarantineThreshold:  jsii.Number(5),
			ReplayAgeThreshold:   awscdk.Duration_Hours(jsii.Number(2)),
			Dashboard:            jsii.Bool(true),
			Vpc:                  newVpc(stack, awsec2.SubnetType_PRIVATE_ISOLATED),
			VpcSubnets:           &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED},
			SecurityGroups: &[]awsec2.ISecurityGroup{
				awsec2.SecurityGroup_FromSecurityGroupId(stack, jsii.String("Group"), jsii.String("sg-0123456789abcdef0"), nil),
			},
			ApiAuthorizer:     cognito(stack),
			ApiReplayScopes:   jsii.Strings("replays/write"),
			ApiHistoryScopes:  jsii.Strings("replays/read"),
			ApiVpcEndpoints:   &[]awsec2.IVpcEndpoint{endpoint(stack, "A")},
			ApiPolicy:         awsiam.NewPolicyDocument(nil),
			ApiWebAclArn:      jsii.String(webACL),
			ApiRateLimit:      jsii.Number(10),
			ApiBurstLimit:     jsii.Number(20),
			ApiCloudWatchRole: jsii.Bool(true),
		},
		{
			Workflow: pass(stack, "OtherWork"), ResourceIdPath: jsii.String("$.id"),
			EventLog: versioned(stack, "Mine"), Topic: awssns.NewTopic(stack, jsii.String("News"), nil),
		},
	}
}

// TestPropsAreNotWrittenTo compares everything that the caller's props hold, behind pointers, in lists and in structs,
// before and after the app is synthesized. Constructs are CDK's, and change as CDK does.
func TestPropsAreNotWrittenTo(t *testing.T) {
	stack := newStack(t)
	all := fullProps(stack)
	set := map[string]bool{}
	var before []string
	for _, props := range all {
		before = append(before, contents(reflect.ValueOf(props)))
		v := reflect.ValueOf(props).Elem()
		for i := range v.NumField() {
			set[v.Type().Field(i).Name] = set[v.Type().Field(i).Name] || !v.Field(i).IsZero()
		}
	}
	for prop, isSet := range set {
		if !isSet {
			t.Errorf("%s is not compared: set it in fullProps", prop)
		}
	}
	for i, props := range all {
		ingestion.NewReplayableIngestion(stack, jsii.String(fmt.Sprint("Ingestion", i)), props)
	}
	synth(t, stack)
	for i, props := range all {
		if got := contents(reflect.ValueOf(props)); got != before[i] {
			t.Errorf("got\n%s\nwant\n%s", got, before[i])
		}
	}
}

// contents writes a value out, and follows pointers. Of an interface it is what it holds, and where that is.
func contents(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return "nil"
		}
		if e := v.Elem(); e.Kind() == reflect.Pointer {
			return fmt.Sprintf("%s at %x", e.Type(), e.Pointer())
		}
		return v.Elem().Type().String()
	case reflect.Pointer:
		if v.IsNil() {
			return "nil"
		}
		return fmt.Sprintf("&%x:", v.Pointer()) + contents(v.Elem())
	case reflect.Struct:
		var b strings.Builder
		for i := range v.NumField() {
			fmt.Fprintf(&b, "%s: %s\n", v.Type().Field(i).Name, contents(v.Field(i)))
		}
		return "{" + b.String() + "}"
	case reflect.Slice, reflect.Array:
		var b strings.Builder
		for i := range v.Len() {
			b.WriteString(contents(v.Index(i)) + ", ")
		}
		return fmt.Sprintf("[%s] of %d", b.String(), v.Cap())
	case reflect.Map:
		return fmt.Sprint(v.Interface()) // sorted
	default:
		return fmt.Sprint(v)
	}
}

// TestContentsSeesEveryChange: the test above is worth as much as this.
func TestContentsSeesEveryChange(t *testing.T) {
	text, other := "a", "b"
	type inner struct{ N *float64 }
	one := 1.0
	type props struct {
		Text  *string
		List  *[]*string
		Inner *inner
		Map   map[string]int
		Any   any
	}
	list := []*string{&text}
	p := &props{Text: &text, List: &list, Inner: &inner{&one}, Map: map[string]int{"a": 1}, Any: &text}
	before := contents(reflect.ValueOf(p))
	for name, change := range map[string]func() (undo func()){
		"a text":                  func() func() { text = "c"; return func() { text = "a" } },
		"a pointer":               func() func() { p.Text = &other; return func() { p.Text = &text } },
		"an element":              func() func() { list[0] = &other; return func() { list[0] = &text } },
		"the length of a list":    func() func() { list = append(list, &other); return func() { list = []*string{&text} } },
		"a number in a struct":    func() func() { one = 2; return func() { one = 1 } },
		"an entry":                func() func() { p.Map["b"] = 2; return func() { delete(p.Map, "b") } },
		"what an interface holds": func() func() { p.Any = &other; return func() { p.Any = &text } },
	} {
		undo := change()
		if contents(reflect.ValueOf(p)) == before {
			t.Errorf("does not see a change of %s", name)
		}
		undo()
	}
}

func TestWhereAConstructIsToBeIsChecked(t *testing.T) {
	stack := newStack(t)
	for name, create := range map[string]func(){
		"no scope": func() { ingestion.NewReplayableIngestion(nil, jsii.String("X"), nil) },
		"no id":    func() { ingestion.NewReplayableIngestion(stack, nil, nil) },
		"empty id": func() { ingestion.NewReplayableIngestion(stack, jsii.String(""), nil) },
	} {
		message := panics(create)
		want := strings.Fields(name)[1] + " is required"
		if !strings.Contains(message, want) || !strings.Contains(message, "props are required: Workflow and ResourceIdPath") {
			t.Errorf("%s: got %q, want %q and what is wrong with the props", name, message, want)
		}
	}
}

// TestNumbersThatAreNone ended the process once: jsii cannot send them to Node.js.
func TestNumbersThatAreNone(t *testing.T) {
	for _, n := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, math.MaxFloat64, -math.SmallestNonzeroFloat64} {
		stack := newStack(t)
		props := valid(stack)
		v := reflect.ValueOf(props).Elem()
		var set []string
		for i := range v.NumField() {
			if f := v.Field(i); f.Type() == reflect.TypeFor[*float64]() {
				set = append(set, v.Type().Field(i).Name)
				f.Set(reflect.ValueOf(&n))
			}
		}
		message := panics(func() { newIngestion(stack, props) })
		for _, prop := range set {
			if !strings.Contains(message, prop+" must be ") {
				t.Errorf("%s: %v is not refused: %s", prop, n, message)
			}
		}
		if len(set) < 6 || !strings.Contains(message, fmt.Sprintf("got %v", n)) {
			t.Errorf("got %s for %v of %v", message, n, set)
		}
	}
}

func TestNilElementsAndUnknownArchitecturesAreNamed(t *testing.T) {
	stack := newStack(t)
	props := valid(stack)
	props.RetryOn = &[]*string{jsii.String("Geocoder*"), nil}
	props.DoNotRetryOn = &[]*string{nil}
	props.Architecture = awslambda.Architecture_Custom(jsii.String("riscv64"), nil)
	props.Code = &ingestion.FunctionCode{} // every function is compiled
	message := panics(func() { newIngestion(stack, props) })
	for _, want := range []string{
		"RetryOn[1] must be the name of an error or a glob, got nothing",
		"DoNotRetryOn[0] must be the name of an error or a glob, got nothing",
		`Architecture must be ARM_64 or X86_64, got "riscv64"`,
	} {
		if !strings.Contains(message, want) {
			t.Errorf("want %q in %s", want, message)
		}
	}
}

// setAll sets every prop of a type, and returns their names.
func setAll[T any](props *ingestion.ReplayableIngestionProps, value T) (names []string) {
	v := reflect.ValueOf(props).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Type() == reflect.TypeFor[T]() {
			f.Set(reflect.ValueOf(&value).Elem())
			names = append(names, v.Type().Field(i).Name)
		}
	}
	return names
}

func TestEveryDurationHasARange(t *testing.T) {
	for _, tt := range []struct {
		duration awscdk.Duration
		got      string
	}{
		{awscdk.Duration_Millis(jsii.Number(1)), "got 1ms"},
		{awscdk.Duration_Days(jsii.Number(90_000)), "got 2160000h0m0s"},
	} {
		stack := newStack(t)
		props := valid(stack)
		names := setAll(props, tt.duration)
		message := panics(func() { newIngestion(stack, props) })
		for _, name := range names {
			found := false
			for line := range strings.Lines(message) {
				line = strings.TrimPrefix(line, `ReplayableIngestion "Ingestion": `)
				found = found || strings.HasPrefix(line, name+" must be ") && strings.Contains(line, tt.got)
			}
			if !found {
				t.Errorf("%s is not refused with the value %s: %s", name, tt.got, message)
			}
		}
		if len(names) < 10 {
			t.Errorf("only %v are durations", names)
		}
	}
}

// TestTokensAreTakenOrRefused: those that are taken must reach the template, and as a number a token is some huge
// negative value, which no message may show.
func TestTokensAreTakenOrRefused(t *testing.T) {
	stack := newStack(t)
	number := awscdk.NewCfnParameter(stack, jsii.String("N"), &awscdk.CfnParameterProps{Type: jsii.String("Number")}).ValueAsNumber()
	props := valid(stack)
	tried := append(setAll(props, number), setAll(props, awscdk.Duration_Days(number))...)
	props.Timeout = awscdk.Duration_Seconds(number) // what CloudFormation takes; CDK cannot convert a token
	v := reflect.ValueOf(props).Elem()
	for line := range strings.Lines(panics(func() { newIngestion(stack, props) })) {
		line = strings.TrimPrefix(strings.TrimSpace(line), `ReplayableIngestion "Ingestion": `)
		name, rest, _ := strings.Cut(line, " ")
		if rest != "must be known when the app synthesizes, got a token" {
			t.Fatalf("got %q of a token", line)
		}
		v.FieldByName(name).SetZero()
	}
	taken := 0
	for _, name := range tried {
		if !v.FieldByName(name).IsZero() {
			taken++
		}
	}
	if message := panics(func() { newIngestion(stack, props) }); message != "" {
		t.Fatalf("the %d tokens that are left are not taken: %s", taken, message)
	}
	b, err := json.Marshal(rawTemplate(stack))
	if err != nil {
		t.Fatal(err)
	}
	if text := string(b); len(tried) < 16 || taken < 1 || !strings.Contains(text, `{"Ref":"N"}`) || strings.Contains(text, "e+289") || strings.Contains(text, "-18881545") {
		t.Errorf("of %v, %d are taken, and the template is %s", tried, taken, text)
	}
}
