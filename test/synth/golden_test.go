package synth_test

import (
	"bytes"
	"encoding/json"
	"fmt"
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

func TestGoldenOfEveryStage(t *testing.T) {
	for _, stage := range []string{"dev", "staging", "prod"} {
		t.Run(stage, func(t *testing.T) {
			tpl := rawTemplate(newListings(t, stage).Stack)
			golden(t, "listings-"+stage+".golden.json", normalize(t, tpl))
		})
	}
}

// normalize leaves out what is not ours or moves without a change of the template: the CLI's bootstrap check and the
// assets. State machine definitions become JSON again and intrinsic functions text, so that a change of a state or of
// an ARN is a change of one line.
func normalize(t *testing.T, tpl map[string]any) []byte {
	t.Helper()
	delete(tpl, "Parameters")
	delete(tpl, "Rules")
	for _, r := range tpl["Resources"].(map[string]any) {
		r := r.(map[string]any)
		delete(r, "Metadata")
		props, _ := r["Properties"].(map[string]any)
		delete(props, "Tags") // TestStagesAreTagged
		switch r["Type"] {
		case "AWS::Lambda::Function":
			props["Code"] = "<asset>"
		case "AWS::StepFunctions::StateMachine":
			props["DefinitionString"] = definition(t, props)
		}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(fold(tpl)); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// fold replaces references and joins by text.
func fold(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = fold(v[i])
		}
	case map[string]any:
		if text := render(v); strings.Contains(text, "${") && len(v) == 1 && !strings.HasPrefix(text, "map[") {
			return text
		}
		for k := range v {
			v[k] = fold(v[k])
		}
	}
	return v
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
		for id, r := range synth(t, newListings(t, stage).Stack).Resources {
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
	for stage, want := range map[string]string{"dev": "Delete", "staging": "Retain", "prod": "Retain"} {
		tpl := synth(t, newListings(t, stage).Stack)
		for kind, id := range map[string]string{"AWS::S3::Bucket": "ListingsEventLog", "AWS::DynamoDB::Table": "ListingsLedger"} {
			if got := tpl.ofType(kind)[id].DeletionPolicy; got != want {
				t.Errorf("%s %s: got deletion policy %s, want %s", stage, id, got, want)
			}
		}
	}
}

func TestExampleOutputs(t *testing.T) {
	outputs := synth(t, newListings(t, "dev").Stack).Outputs
	for _, want := range []string{
		"StateMachineArn", "EventLogBucket", "DeadLetterQueueUrl", "ReplayQueueUrl", "OutcomesQueueUrl", "TopicArn",
		"LedgerTable", "ApiUrl", "DownstreamQueueUrl", "DownstreamLiveQueueUrl", "PremiumQueueUrl", "GeocoderParameter",
	} {
		if _, ok := outputs[want]; !ok {
			t.Errorf("no output %s", want)
		}
	}
	if len(outputs) != 12 {
		t.Errorf("got %d outputs, want 12", len(outputs))
	}
}

func TestExampleSubscribers(t *testing.T) {
	subs := synth(t, newListings(t, "dev").Stack).ofType("AWS::SNS::Subscription")
	filters := map[string]string{}
	for id, s := range subs {
		filters[strings.TrimSuffix(id, "ListingsTopic")] = fmt.Sprint(s.Properties["FilterPolicy"], s.Properties["RawMessageDelivery"])
	}
	if len(filters) != 2 || !strings.Contains(fmt.Sprint(filters), "map[isReplay:[false]] true") {
		t.Errorf("got %v", filters)
	}
}
