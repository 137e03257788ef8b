package ingestion

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctionstasks"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/config"
)

// seriesBinder binds one version of a series for each call.
var seriesBinder = functionSpec{
	id: "Series", dir: "lambdas/replayseries", memoryMB: 512, timeoutSeconds: 30,
	description: "Binds and checks each version of a series before it starts",
	code:        func(c *FunctionCode) *awslambda.Code { return &c.Series },
	field:       func(r *ReplayableIngestion) *awslambda.Function { return &r.SeriesFunction },
	environment: func(r *ReplayableIngestion, s *settings) map[string]string { return seriesConfig(r, s).Env() },
	needs:       append(bindVersions(), readsTransformed()...),
}

func seriesConfig(r *ReplayableIngestion, s *settings) config.ReplaySeries {
	return config.ReplaySeries{
		EventLogBucket:  *r.bucketName(),
		LedgerTable:     *r.tableName(),
		StateMachineARN: *r.machineARN(),
		ReplayQueueURL:  *r.replayQueueURL(),
		TopicARN:        *r.topicARN(),
		ResourceIDPath:  s.resourceIDPath,
		MaxEventBytes:   s.workflow.maxEventBytes(),
		StartsPerSecond: s.pace.startsPerSecond,

		RequestedStartsPerSecond: s.pace.requestedStartsPerSecond,
		Transforms:               s.transforms.arns(),
	}
}

// Retries of the function that binds a version: services may be in trouble for minutes, and without an answer the rest
// of the series is skipped.
const (
	bindRetries         = 8
	bindMaxDelaySeconds = 60
)

// addSeries creates the state machine that runs several versions of one resource, oldest first, each after the one
// before has ended. Its history must stay under 25,000 events for replay.MaxSeriesVersions versions. Each takes 15: the
// iteration 2, Bind 5, Decide 2, the run 6; and 9 more if it has to wait for its start. A start that is throttled takes
// 3 more; should they not fit either, the versions that are left over are skipped.
func (r *ReplayableIngestion) addSeries(s *settings) {
	r.newFunction(&seriesBinder, s)
	scope := constructs.NewConstruct(r, jsii.String("Series")) // the states' ids must not clash with the workflow's
	each := awsstepfunctions.NewMap(scope, jsii.String("Versions"), &awsstepfunctions.MapProps{
		ItemsPath:      jsii.String("$.indexes"),
		MaxConcurrency: jsii.Number(1),
		ItemSelector: &map[string]any{
			"replayId":  awsstepfunctions.JsonPath_StringAt(jsii.String("$.replayId")),
			"page":      awsstepfunctions.JsonPath_NumberAt(jsii.String("$.page")),
			"ordinal":   awsstepfunctions.JsonPath_NumberAt(jsii.String("$.ordinal")),
			"onFailure": awsstepfunctions.JsonPath_StringAt(jsii.String("$.onFailure")),
			"execution": awsstepfunctions.JsonPath_StringAt(jsii.String("$$.Execution.Name")), // one that a pause ended binds nothing more
			"index":     awsstepfunctions.JsonPath_NumberAt(jsii.String("$$.Map.Item.Value")),
		},
		ResultPath: awsstepfunctions.JsonPath_DISCARD(),
	})
	each.ItemProcessor(r.eachVersion(scope), nil)
	r.SeriesMachine = awsstepfunctions.NewStateMachine(r, jsii.String("SeriesMachine"), &awsstepfunctions.StateMachineProps{
		Comment:          jsii.String("Runs several versions of one resource one after the other"),
		DefinitionBody:   awsstepfunctions.DefinitionBody_FromChainable(each),
		StateMachineType: awsstepfunctions.StateMachineType_STANDARD,
		TracingEnabled:   jsii.Bool(true),
		Logs:             r.machineLogs("SeriesMachineLogs", s),

		EncryptionConfiguration: s.machineEncryption(),
	})
}

// eachVersion asks what to do about a version, and does it.
func (r *ReplayableIngestion) eachVersion(scope constructs.Construct) awsstepfunctions.IChainable {
	bind := awsstepfunctionstasks.NewLambdaInvoke(scope, jsii.String("Bind"), &awsstepfunctionstasks.LambdaInvokeProps{
		LambdaFunction:           r.SeriesFunction,
		PayloadResponseOnly:      jsii.Bool(true),
		ResultPath:               jsii.String("$.bound"),
		RetryOnServiceExceptions: jsii.Bool(false),
	})
	retryWith(bind, bindRetries, awscdk.Duration_Seconds(jsii.Number(bindMaxDelaySeconds)))
	// The results of a Map together are at most 262,144 bytes, and nothing reads them: each is empty.
	over := awsstepfunctions.NewSucceed(scope, jsii.String("Over"), &awsstepfunctions.SucceedProps{
		OutputPath: awsstepfunctions.JsonPath_DISCARD(),
	})
	run := r.runVersion(scope, "Run", over)
	runAndContinue := r.runVersion(scope, "RunAndContinue", over)
	runAndContinue.AddCatch(over, &awsstepfunctions.CatchProps{
		Errors: jsii.Strings("States.ALL"), ResultPath: awsstepfunctions.JsonPath_DISCARD(),
	})
	wait := awsstepfunctions.NewWait(scope, jsii.String("Wait"), &awsstepfunctions.WaitProps{
		Time: awsstepfunctions.WaitTime_SecondsPath(jsii.String("$.bound.waitSeconds")),
	})
	wait.Next(bind)
	stop := awsstepfunctions.NewFail(scope, jsii.String("Stop"), &awsstepfunctions.FailProps{
		Error: jsii.String("SeriesStopped"), Cause: jsii.String("the replay was cancelled, halted or paused"),
	})
	is := func(decision string) awsstepfunctions.Condition {
		return awsstepfunctions.Condition_StringEquals(jsii.String("$.bound.decision"), jsii.String(decision))
	}
	decide := awsstepfunctions.NewChoice(scope, jsii.String("Decide"), nil).
		When(is("run"), run, nil).
		When(is("runAndContinue"), runAndContinue, nil).
		When(is("wait"), wait, nil).
		When(is("stop"), stop, nil).
		Otherwise(over)
	return bind.Next(decide)
}

// runVersion runs a version to its end. How it ended, the tracker learns by itself, so two errors are none: the version
// ran, but its description is larger than a result may be; and the execution exists, because a person redrove the
// series.
func (r *ReplayableIngestion) runVersion(
	scope constructs.Construct, id string, over awsstepfunctions.IChainable,
) awsstepfunctions.TaskStateBase {
	task := newRunJob(scope, id, r.StateMachine, &awsstepfunctionstasks.StepFunctionsStartExecutionProps{
		Name:       awsstepfunctions.JsonPath_StringAt(jsii.String("$.bound.name")),
		Input:      awsstepfunctions.TaskInput_FromJsonPathAt(jsii.String("$.bound.input")),
		ResultPath: awsstepfunctions.JsonPath_DISCARD(),
		OutputPath: awsstepfunctions.JsonPath_DISCARD(),
	})
	task.AddCatch(over, &awsstepfunctions.CatchProps{
		Errors:     jsii.Strings("States.DataLimitExceeded", "StepFunctions.ExecutionAlreadyExistsException"),
		ResultPath: awsstepfunctions.JsonPath_DISCARD(),
	})
	return task
}
