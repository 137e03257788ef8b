package ingestion

import (
	"maps"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/golambda"
)

// functionSpec is all that is to be known about a function. Each has a file of its own.
type functionSpec struct {
	id             string // construct id; "Function" is appended
	dir            string // package, relative to the module
	description    string
	memoryMB       float64 // Lambda gives CPU in proportion; 1,769 MB are one vCPU
	timeoutSeconds float64
	recursive      bool // its messages come back to it, a bounded number of times

	code        func(*FunctionCode) *awslambda.Code
	field       func(*ReplayableIngestion) *awslambda.Function
	environment func(*ReplayableIngestion, *settings) map[string]string
	source      func(*ReplayableIngestion) awssqs.Queue // whose messages it gets; nil: none
	concurrency func(*settings) *float64                // of the source; the field may be nil without one
	reserved    func(*settings) *float64                // concurrency; nil: none
	needs       []need                                  // what it may do
}

func (spec *functionSpec) reservedOf(s *settings) *float64 {
	if spec.reserved == nil {
		return nil
	}
	return spec.reserved(s)
}

// functions are all of them.
func functions() []*functionSpec {
	return []*functionSpec{&record, &publish, &tracker, &autoReplayer, &replayHandler, &replayListener, &seriesBinder}
}

// addReplay creates the functions that follow executions and start replays.
func (r *ReplayableIngestion) addReplay(s *settings) {
	r.addSeries(s)
	r.newFunction(&tracker, s)
	r.newFunction(&autoReplayer, s)
	r.addSchedule(s)
	r.newFunction(&replayHandler, s)
	r.newFunction(&replayListener, s)
	for _, spec := range functions() {
		r.permitNeeds(spec, s)
	}
	r.permitTransforms(s)
}

// newFunction creates a function with its role and log group. The role is ours, because CDK's default one may write
// to every log group of the account.
func (r *ReplayableIngestion) newFunction(spec *functionSpec, s *settings) {
	logs := r.newLogGroup(spec.id+"Logs", s)
	role := awsiam.NewRole(r, jsii.String(spec.id+"Role"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
	})
	logs.GrantWrite(role)
	r.permitNetwork(role, s)
	var recursion awslambda.RecursiveLoop // TERMINATE, Lambda's own default, which not every Region takes by name
	if spec.recursive && s.recursiveLoop {
		recursion = awslambda.RecursiveLoop_ALLOW
	}
	env := spec.environment(r, s)
	maps.Copy(env, r.telemetry(s))
	fn := newExactFunction(r, spec.id+"Function", &awslambda.FunctionProps{
		Description:   jsii.String(spec.description),
		Code:          *spec.code(&s.code),
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

		ReservedConcurrentExecutions: spec.reservedOf(s),
		EnvironmentEncryption:        s.encryptionKey,

		Vpc:            s.network.vpc,
		VpcSubnets:     s.network.subnets,
		SecurityGroups: s.network.groups,
	})
	*spec.field(r) = fn
	if spec.source != nil {
		consume(fn, spec.source(r), spec.concurrency(s))
	}
}

// compiled returns the code of every function, compiled where none was given. All is asked for at once, so that it is
// compiled at once.
func (c FunctionCode) compiled(arch awslambda.Architecture) FunctionCode {
	for _, spec := range functions() {
		if code := spec.code(&c); *code == nil {
			*code = golambda.Code(golambda.ThisModule(), spec.dir, arch)
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

// FunctionCode holds compiled code for the functions of a ReplayableIngestion: a zip or directory whose "bootstrap" was
// compiled for Architecture from the package of this module that the field names. A field that is nil is compiled.
type FunctionCode struct {
	Record         awslambda.Code // lambdas/record
	Publish        awslambda.Code // lambdas/publish
	Tracker        awslambda.Code // lambdas/tracker
	AutoReplay     awslambda.Code // lambdas/autoreplay
	ReplayHandler  awslambda.Code // lambdas/replayhandler
	ReplayListener awslambda.Code // lambdas/replaylistener
	Series         awslambda.Code // lambdas/replayseries
}
