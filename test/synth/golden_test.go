package synth_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/example/listings"
)

// newListings synthesizes a stage of the example as main.go does.
func newListings(t *testing.T, stage string) *listings.Stack {
	t.Helper()
	app := newApp(t, map[string]any{"stage": stage})
	c, err := listings.ReadContext(app.Node())
	if err != nil {
		t.Fatal(err)
	}
	return listings.NewStack(app, jsii.String("listings-"+stage), &listings.StackProps{
		StackProps: awscdk.StackProps{Description: jsii.String("Listing importer, stage " + stage)},
		Service:    c.Service,
		Stage:      c.Stages[0],
	})
}

// goldenStage is the stage whose whole template is kept. Of the others testdata has the differences to it.
const goldenStage = "prod"

// parts are the files that the golden template is split into, one per concern, by what their resources' types begin
// with. The first that fits counts.
var parts = []struct {
	name  string
	types []string
}{
	{"iam", []string{"AWS::IAM::"}},
	{"observability", []string{"AWS::CloudWatch::", "AWS::Logs::", "AWS::XRay::"}},
	{"storage", []string{"AWS::S3::", "AWS::DynamoDB::", "AWS::KMS::", "AWS::SSM::"}},
	{"messaging", []string{"AWS::SQS::", "AWS::SNS::", "AWS::Events::", "AWS::Scheduler::"}},
	{"workflow", []string{"AWS::StepFunctions::"}},
	{"api", []string{"AWS::ApiGateway::", "AWS::Lambda::Permission", "AWS::WAFv2::", "AWS::Cognito::"}},
	{"functions", []string{"AWS::Lambda::", "AWS::EC2::"}},
}

func TestGoldenOfTheStageInProduction(t *testing.T) {
	tpl := normalize(t, goldenStage)
	byPart := map[string]map[string]any{}
	for id, r := range tpl["Resources"].(map[string]any) {
		part := partOf(r.(map[string]any)["Type"].(string))
		if part == "" {
			t.Errorf("%s belongs to no part: add the service of its type %v to parts", id, r.(map[string]any)["Type"])
			continue
		}
		if byPart[part] == nil {
			byPart[part] = map[string]any{}
		}
		byPart[part][id] = r
	}
	for _, part := range parts { // a part without resources is a golden too: {}
		golden(t, filepath.Join("listings-"+goldenStage, part.name+".golden.json"), prettyJSON(t, byPart[part.name]))
	}
	delete(tpl, "Resources")
	golden(t, filepath.Join("listings-"+goldenStage, "rest.golden.json"), prettyJSON(t, tpl))
}

func partOf(kind string) string {
	for _, part := range parts {
		for _, prefix := range part.types {
			if strings.HasPrefix(kind, prefix) {
				return part.name
			}
		}
	}
	return ""
}

func TestGoldenDifferencesOfTheOtherStages(t *testing.T) {
	want := normalize(t, goldenStage)
	for _, stage := range []string{"dev", "staging"} {
		t.Run(stage, func(t *testing.T) {
			lines := differences("", want, normalize(t, stage))
			golden(t, "listings-"+stage+".differences.golden.txt", []byte(strings.Join(lines, "\n")+"\n"))
		})
	}
}

// definition returns the ASL of a state machine's properties.
func definition(t *testing.T, props map[string]any) map[string]any {
	t.Helper()
	var asl map[string]any
	if err := json.Unmarshal([]byte(render(props["DefinitionString"])), &asl); err != nil {
		t.Fatal(err)
	}
	return asl
}

func TestStagesAreTagged(t *testing.T) {
	for _, stage := range []string{"dev", "prod"} {
		tagged := 0
		for id, r := range templateOf(t, stage).Resources {
			tags, ok := r.Properties["Tags"].([]any)
			if !ok {
				continue
			}
			tagged++
			text := fmt.Sprint(tags)
			for _, want := range []string{"map[Key:env Value:" + stage + "]", "map[Key:service Value:listing-importer]"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s %s: got tags %s, want %s", stage, id, text, want)
				}
			}
		}
		if tagged < 40 {
			t.Errorf("%s: only %d resources are tagged", stage, tagged)
		}
	}
}

func TestStagesDifferInWhatOutlivesThem(t *testing.T) {
	for stage, want := range map[string]string{"dev": "Delete", "staging": kept, "prod": kept} {
		tpl := templateOf(t, stage)
		for kind, id := range map[string]string{"AWS::S3::Bucket": "ListingsEventLog", "AWS::DynamoDB::Table": "ListingsLedger"} {
			if got := tpl.ofType(kind)[id].DeletionPolicy; got != want {
				t.Errorf("%s %s: got deletion policy %s, want %s", stage, id, got, want)
			}
		}
	}
}

func TestExampleOutputs(t *testing.T) {
	outputs := templateOf(t, "dev").Outputs
	for _, want := range []string{
		"StateMachineArn", "EventLogBucket", "DeadLetterQueueUrl", "ReplayQueueUrl", "OutcomesQueueUrl", "TopicArn",
		"LedgerTable", "ApiUrl", "DownstreamQueueUrl", "DownstreamLiveQueueUrl", "PremiumQueueUrl", "GeocoderParameter",
	} {
		if _, ok := outputs[want]; !ok {
			t.Errorf("no output %s", want)
		}
	}
	if len(outputs) != 13 { // the construct's manifest too
		t.Errorf("got %d outputs, want 13", len(outputs))
	}
}

func TestExampleSubscribers(t *testing.T) {
	subs := templateOf(t, "dev").ofType("AWS::SNS::Subscription")
	filters := map[string]string{}
	for id, s := range subs {
		filters[strings.TrimSuffix(id, "ListingsTopic")] = fmt.Sprint(s.Properties["FilterPolicy"], s.Properties["RawMessageDelivery"])
	}
	if len(filters) != 2 || !strings.Contains(fmt.Sprint(filters), "map[isReplay:[false]] true") {
		t.Errorf("got %v", filters)
	}
}
