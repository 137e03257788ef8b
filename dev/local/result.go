package local

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/ce873799/replayable-ingestion/dev/bridge"
	"github.com/ce873799/replayable-ingestion/dev/emulator"
	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/ctl/stack"
)

// Result says where the parts of the first stack are. A field is empty if the stack has no output for it.
type Result struct {
	EndpointURL string `json:"endpointUrl"`
	Region      string `json:"region"`
	observe.Stack
	Functions map[string]string `json:"functions"` // deployed names by short name, such as Record

	Ingestions []config.Manifest `json:"ingestions"` // of every stack, with API URLs as callable from here
	Lacks      []stack.Lack      `json:"lacks"`      // for replayctl doctor
}

func newResult(endpoint string, d *deployed, stack string) Result {
	parts := observe.FromOutputs(d.outputs[stack])
	parts.APIURL = observe.EmulatorAPI(endpoint, parts.APIURL)
	return Result{
		EndpointURL: endpoint, Region: emulator.Region, Stack: parts, Functions: d.functions,
		Ingestions: ingestions(endpoint, d), Lacks: lacks(),
	}
}

func ingestions(endpoint string, d *deployed) (all []config.Manifest) {
	for _, stack := range slices.Sorted(maps.Keys(d.outputs)) {
		for _, output := range slices.Sorted(maps.Keys(d.outputs[stack])) {
			if i, err := config.DecodeManifest(d.outputs[stack][output]); err == nil {
				i.APIURL = observe.EmulatorAPI(endpoint, i.APIURL)
				all = append(all, i)
			}
		}
	}
	return all
}

// connectBridge connects the STANDARD state machines with the event bus, as AWS does. The emulator reports no status
// changes. On AWS, EXPRESS ones report none either.
func (r *run) connectBridge(d *deployed) error {
	var machines []string
	for _, m := range d.ofType("AWS::StepFunctions::StateMachine") {
		var p struct{ StateMachineType string }
		if err := m.properties(&p); err != nil {
			return err
		}
		if p.StateMachineType != "EXPRESS" {
			machines = append(machines, m.physicalID)
		}
	}
	if r.stack.Bridge != nil {
		r.stack.Bridge.Add(machines...)
		return nil
	}
	r.stack.Bridge = bridge.Start(bridge.Config{
		StepFunctions: sfn.NewFromConfig(r.stack.emulator.ObserverConfig()), // AWS asks nobody
		Events:        eventbridge.NewFromConfig(r.stack.Config()),
		StateMachines: machines,
		Report:        func(err error) { r.stack.note("status changes are late: %v", err) },
	})
	return nil
}
