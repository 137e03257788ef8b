package ingestion

import (
	"maps"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/golambda"
)

// functionSpec is what does not depend on props.
type functionSpec struct {
	id             string // construct id; "Function" is appended
	dir            string // package, relative to the module
	description    string
	memoryMB       float64 // Lambda gives CPU in proportion; 1,769 MB are one vCPU
	timeoutSeconds float64
	recursive      bool // its messages come back to it, a bounded number of times
}

// The functions on the way of an event get the memory at which a cold start's TLS handshakes stop dominating. Record
// and Publish time out before a person would wait for them, so that their state's Retry gets its turn.
var (
	record = functionSpec{id: "Record", dir: "lambdas/record", memoryMB: 512, timeoutSeconds: 30,
		description: "Keeps the event in the log before the workflow sees it"}
	publish = functionSpec{id: "Publish", dir: "lambdas/publish", memoryMB: 512, timeoutSeconds: 30,
		description: "Publishes the output of the workflow"}
	tracker = functionSpec{id: "Tracker", dir: "lambdas/tracker", memoryMB: 256, timeoutSeconds: 30,
		description: "Settles ended executions in the ledger"}
	autoReplayer = functionSpec{id: "AutoReplay", dir: "lambdas/autoreplay", memoryMB: 512, timeoutSeconds: 300,
		description: "Reconciles executions and decides which failures are replayed"}
	replayHandler = functionSpec{id: "ReplayHandler", dir: "lambdas/replayhandler", memoryMB: 512, timeoutSeconds: 29,
		description: "Answers the replay API"} // API Gateway waits 29 seconds
	replayListener = functionSpec{id: "ReplayListener", dir: "lambdas/replaylistener", memoryMB: 512, timeoutSeconds: 120,
		description: "Expands replays and starts their executions", recursive: true}
	seriesBinder = functionSpec{id: "Series", dir: "lambdas/replayseries", memoryMB: 512, timeoutSeconds: 30,
		description: "Binds and checks each version of a series before it starts"}
)

// newFunction creates a function with its role and log group. The role is ours, because CDK's default one may write
// to every log group of the account.
func (r *ReplayableIngestion) newFunction(
	spec functionSpec, s *settings, code awslambda.Code, env map[string]string,
) awslambda.Function {
	logs := r.newLogGroup(spec.id+"Logs", s)
	role := awsiam.NewRole(r, jsii.String(spec.id+"Role"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
	})
	logs.GrantWrite(role)
	r.permitNetwork(role, s)
	var recursion awslambda.RecursiveLoop // TERMINATE, Lambda's own default, which not every Region takes by name
	if spec.recursive {
		recursion = awslambda.RecursiveLoop_ALLOW
	}
	maps.Copy(env, r.telemetry(s))
	return newExactFunction(r, spec.id+"Function", &awslambda.FunctionProps{
		Description:   jsii.String(spec.description),
		Code:          code,
		Handler:       jsii.String(golambda.Bootstrap),
		Runtime:       awslambda.Runtime_PROVIDED_AL2023(),
		Architecture:  s.architecture,
		MemorySize:    jsii.Number(spec.memoryMB),
		Timeout:       awscdk.Duration_Seconds(jsii.Number(spec.timeoutSeconds)),
		Environment:   environment(env),
		Role:          role,
		LogGroup:      logs,
		LoggingFormat: awslambda.LoggingFormat_JSON,
		Tracing:       awslambda.Tracing_ACTIVE,
		RecursiveLoop: recursion,

		EnvironmentEncryption: s.encryptionKey,

		Vpc:            s.network.vpc,
		VpcSubnets:     s.network.subnets,
		SecurityGroups: s.network.groups,
	})
}

// compiled returns the code of every function, compiled where none was given. All is asked for at once, so that it is
// compiled at once.
func (c FunctionCode) compiled(arch awslambda.Architecture) FunctionCode {
	for _, f := range []struct {
		spec functionSpec
		code *awslambda.Code
	}{
		{record, &c.Record}, {publish, &c.Publish}, {tracker, &c.Tracker}, {autoReplayer, &c.AutoReplay},
		{replayHandler, &c.ReplayHandler}, {replayListener, &c.ReplayListener}, {seriesBinder, &c.Series},
	} {
		if *f.code == nil {
			*f.code = golambda.Code(golambda.ThisModule(), f.spec.dir, arch)
		}
	}
	return c
}

func environment(env map[string]string) *map[string]*string {
	vars := make(map[string]*string, len(env))
	for k, v := range env {
		vars[k] = jsii.String(v)
	}
	return &vars
}
