package ingestion

import (
	"maps"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"
)

// spliceChain puts record before the workflow's first state and publish after every open end.
//
// IChainable.EndStates is not enough: it reports what the caller happened to keep of a chain, and nothing for a
// Choice. So the ends are those that the states lead to. Error handlers are left out: what a Catch alone leads to has
// dealt with a failure, and must not look like a result.
func spliceChain(start awsstepfunctions.IChainable, record, publish awsstepfunctions.TaskStateBase) awsstepfunctions.IChainable {
	ends := awsstepfunctions.State_FindReachableEndStates(start.StartState(), &awsstepfunctions.FindStateOptions{
		IncludeErrorHandlers: jsii.Bool(false),
	})
	// Succeed, Fail and a Choice without branches cannot continue and are filtered out.
	open := append(*awsstepfunctions.State_FilterNextables(ends), openOtherwise(start)...)
	for _, end := range open {
		end.Next(publish)
	}
	if len(open) == 0 {
		warnNeverPublishes(publish)
	}
	return record.Next(start)
}

func warnNeverPublishes(publish awsstepfunctions.TaskStateBase) {
	warn(publish, "NeverPublishes",
		"The workflow has no open end, so nothing is published: let a state end without Succeed or Fail")
}

// openOtherwise returns the ends that are not a state: the missing Otherwise of a Choice after which a chain goes on
// (Choice.Afterwards with IncludeOtherwise). States do not lead to them; only the chain knows.
func openOtherwise(chain awsstepfunctions.IChainable) []awsstepfunctions.INextable {
	var open []awsstepfunctions.INextable
	for _, end := range *chain.EndStates() {
		if _, state := end.(awsstepfunctions.State); !state {
			open = append(open, end)
		}
	}
	return open
}

// allStates returns every state that start leads to, nested ones included, by name.
func allStates(start awsstepfunctions.State) map[string]awsstepfunctions.State {
	all := map[string]awsstepfunctions.State{}
	for _, s := range reachable(start) {
		all[*s.StateId()] = s
		for _, graph := range nested(s) {
			maps.Copy(all, allStates(graph.StartState()))
		}
	}
	return all
}

// assigns returns the variables that a state assigns, in its Catch and Choices too.
func assigns(state awsstepfunctions.State) (variables []string) {
	// A state that is not complete yet cannot be rendered. CDK says so when it synthesizes.
	defer func() { _ = recover() }()
	rendered := *state.ToStateJson(awsstepfunctions.QueryLanguage_JSON_PATH)
	places := []any{rendered}
	for _, part := range []string{"Catch", "Choices"} {
		if entries, ok := rendered[part].([]any); ok {
			places = append(places, entries...)
		}
	}
	for _, place := range places {
		fields, _ := place.(map[string]any)
		assigned, _ := fields["Assign"].(map[string]any)
		for name := range assigned {
			variables = append(variables, strings.TrimSuffix(name, ".$"))
		}
	}
	return variables
}

func reachable(start awsstepfunctions.State) []awsstepfunctions.State {
	return *awsstepfunctions.State_FindReachableStates(start, &awsstepfunctions.FindStateOptions{
		IncludeErrorHandlers: jsii.Bool(true),
	})
}

// nested returns the graphs inside a Parallel or a Map. State names are unique across all of them.
func nested(s awsstepfunctions.State) []awsstepfunctions.StateGraph {
	var graphs []awsstepfunctions.StateGraph
	if branches := s.Branches(); branches != nil {
		graphs = *branches
	}
	for _, g := range []awsstepfunctions.StateGraph{s.Iteration(), s.Processor()} {
		if g != nil {
			graphs = append(graphs, g)
		}
	}
	return graphs
}
