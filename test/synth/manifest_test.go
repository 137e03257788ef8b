package synth_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
	"github.com/ce873799/replayable-ingestion/internal/config"
)

// manifests are the values of a stack's outputs that are manifests, with references as text, by path.
func manifests(t *testing.T, stack awscdk.Stack) (values []string, all []config.Manifest) {
	t.Helper()
	for _, output := range synth(t, stack).Outputs {
		value := render(output["Value"])
		if i, err := config.DecodeManifest(value); err == nil {
			values, all = append(values, value), append(all, i)
		}
	}
	slices.SortFunc(all, func(a, b config.Manifest) int { return strings.Compare(a.Path, b.Path) })
	return values, all
}

func TestTheManifestSaysWhereEverythingIs(t *testing.T) {
	stack := newStack(t)
	newIngestion(stack, valid(stack))
	_, all := manifests(t, stack)
	if len(all) != 1 {
		t.Fatalf("got %d manifests, want 1", len(all))
	}
	got := all[0]
	for field, want := range map[string][2]string{
		"path":           {got.Path, "Test/Ingestion"},
		"stack":          {got.Stack, "${AWS::StackName}"},
		"region":         {got.Region, "${AWS::Region}"},
		"apiUrl":         {got.APIURL, "https://${IngestionApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/${IngestionApiDeploymentStagev1}/"},
		"stateMachine":   {got.StateMachineARN, "${IngestionStateMachine}"},
		"series":         {got.SeriesMachineARN, "${IngestionSeriesMachine}"},
		"eventLog":       {got.EventLogBucket, "${IngestionEventLog}"},
		"ledger":         {got.LedgerTable, "${IngestionLedger}"},
		"topic":          {got.TopicARN, "${IngestionTopic}"},
		"deadLetters":    {got.DeadLetterQueueURL, "${IngestionDeadLetterQueue}"},
		"outcomes":       {got.OutcomesQueueURL, "${IngestionOutcomesQueue}"},
		"replays":        {got.ReplayQueueURL, "${IngestionReplayQueue}"},
		"record":         {got.Functions["Record"], "${IngestionRecordFunction}"},
		"replay handler": {got.Functions["ReplayHandler"], "${IngestionReplayHandlerFunction}"},
		"schedule":       {got.Schedule, "${IngestionSchedule}"},
		"failure rule":   {got.Rules["Failure"], "${IngestionFailureRule}"},
		"outcome rule":   {got.Rules["Outcome"], "${IngestionOutcomeRule}"},
		"another rule":   {got.Rules["OutcomeWithoutError"], "${IngestionOutcomeWithoutErrorRule}"},
		"alarm":          {got.Alarms["Unaccounted"], "${IngestionUnaccountedAlarm}"},
		"dashboard":      {got.Dashboard, "${IngestionDashboard}"},
	} {
		if want[0] != want[1] {
			t.Errorf("%s: got %s, want %s", field, want[0], want[1])
		}
	}
	if len(got.Functions) != 7 {
		t.Errorf("got functions %v, want 7", got.Functions)
	}
	tpl := synth(t, stack)
	if got, want := len(got.Alarms), len(tpl.ofType("AWS::CloudWatch::Alarm")); got != want {
		t.Errorf("the manifest has %d alarms, the template %d", got, want)
	}
}

func TestIngestionsOfOneStackHaveAManifestEach(t *testing.T) {
	stack := newStack(t)
	for _, id := range []string{"Homes", "Lands"} {
		ingestion.NewReplayableIngestion(stack, jsii.String(id), &ingestion.ReplayableIngestionProps{
			Workflow: pass(stack, "Work"+id), ResourceIdPath: jsii.String("$.id"),
		})
	}
	_, all := manifests(t, stack)
	if len(all) != 2 || all[0].Path != "Test/Homes" || all[1].Path != "Test/Lands" || all[0].APIURL == all[1].APIURL {
		t.Errorf("got %+v, want one of each", all)
	}
}

// Names get as long as CloudFormation makes them for a stack of 40 characters, in the Region with the longest name.
func TestTheManifestFitsAnOutput(t *testing.T) {
	stack := newStack(t)
	newIngestion(stack, valid(stack))
	values, _ := manifests(t, stack)
	lengths := map[string]int{
		"StackName": 40, "Region": 14, "URLSuffix": 16, "Api": 10, "v1": 2,
		"StateMachine": 140, "SeriesMachine": 140, "EventLog": 63, "Ledger": 90, "Topic": 130,
		"Queue": 140, "Function": 64, "Schedule": 64, "Rule": 64, "Alarm": 90, "Dashboard": 60,
	}
	resolved := regexp.MustCompile(`\$\{[^}]*\}`).ReplaceAllStringFunc(values[0], func(ref string) string {
		for suffix, n := range lengths {
			if strings.HasSuffix(ref, suffix+"}") {
				return strings.Repeat("x", n)
			}
		}
		t.Errorf("how long may %s be?", ref)
		return ref
	})
	if len(resolved) > config.MaxManifestBytes {
		t.Errorf("got %d bytes, want %d at most", len(resolved), config.MaxManifestBytes)
	}
	t.Logf("%d of %d bytes", len(resolved), config.MaxManifestBytes)
}
