package synth_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"
)

// TestLogicalIDs pins the logical id of everything that the construct makes: a resource whose id changes is replaced
// with the next deploy, and takes what is in it along. docs/versioning.md calls the ids part of the API.
func TestLogicalIDs(t *testing.T) {
	stack := newStack(t)
	props := valid(stack)
	props.ApiCloudWatchRole = jsii.Bool(true) // its ids are pinned as well
	newIngestion(stack, props)
	var lines []string
	for id, r := range synth(t, stack).Resources {
		if r.Type != "AWS::ApiGateway::Deployment" { // its id is a hash of the API, a change of which must be deployed
			lines = append(lines, fmt.Sprintf("%s  %s", id, r.Type))
		}
	}
	slices.Sort(lines)
	golden(t, "logical-ids.golden.txt", []byte(strings.Join(lines, "\n")+"\n"))
}

// TestStatefulResourcesKeepTheirLogicalIDs names those whose replacement loses data or strands callers, apart from the
// golden, which make golden rewrites. Do not change an id here: a release that does needs a migration.
func TestStatefulResourcesKeepTheirLogicalIDs(t *testing.T) {
	stack := newStack(t)
	newIngestion(stack, valid(stack))
	resources := synth(t, stack).Resources
	for id, kind := range map[string]string{
		"IngestionEventLogD41D840D":             "AWS::S3::Bucket",
		"IngestionLedgerADDF6717":               "AWS::DynamoDB::Table",
		"IngestionTopicF12651CF":                "AWS::SNS::Topic", // subscriptions from elsewhere end with it
		"IngestionDeadLetterQueueEB97306D":      "AWS::SQS::Queue",
		"IngestionOutcomesQueue788ADBF4":        "AWS::SQS::Queue",
		"IngestionReplayQueueE6055B76":          "AWS::SQS::Queue",
		"IngestionStateMachine74E2485E":         "AWS::StepFunctions::StateMachine", // its executions end with it
		"IngestionSeriesMachineF49BB3BF":        "AWS::StepFunctions::StateMachine",
		"IngestionApiFEDAF8CA":                  "AWS::ApiGateway::RestApi", // its URL has its id in it
		"IngestionApiDeploymentStagev1909C2E93": "AWS::ApiGateway::Stage",
	} {
		if got := resources[id].Type; got != kind {
			t.Errorf("%s: got %q, want %s", id, got, kind)
		}
	}
}
