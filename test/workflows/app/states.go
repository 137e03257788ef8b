package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	sfn "github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctionstasks"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// chains are the workflows that are made of CDK states: the same as the definitions of those names.
var chains = map[string]func(awscdk.Stack) sfn.IChainable{
	"ChainExits":     func(s awscdk.Stack) sfn.IChainable { return exits(constructs.NewConstruct(s, jsii.String("Exits"))) },
	"ChainCatchEnds": catchEnds,
	"ChainMap":       mapLines,
}

func path(p string) *string { return jsii.String(p) }

func exits(scope constructs.Construct) sfn.IChainable {
	price := jsii.String("$.price")
	return sfn.NewChoice(scope, jsii.String("Worth"), nil).
		When(sfn.Condition_NumberEquals(price, jsii.Number(0)), sfn.NewSucceed(scope, jsii.String("NothingToDo"), nil), nil).
		When(sfn.Condition_NumberLessThan(price, jsii.Number(0)),
			sfn.NewFail(scope, jsii.String("Refuse"), &sfn.FailProps{Error: jsii.String("NegativePrice")}), nil).
		Otherwise(sfn.NewPass(scope, jsii.String("Done"), &sfn.PassProps{OutputPath: price}))
}

func newWorker(stack awscdk.Stack, id string, value, fail, result string) awsstepfunctionstasks.LambdaInvoke {
	worker := awslambda.Function_FromFunctionAttributes(stack, jsii.String(id+"Function"), &awslambda.FunctionAttributes{
		FunctionArn: workerARN(stack), SameEnvironment: jsii.Bool(true),
	})
	return awsstepfunctionstasks.NewLambdaInvoke(stack, jsii.String(id), &awsstepfunctionstasks.LambdaInvokeProps{
		LambdaFunction: worker,
		Payload: sfn.TaskInput_FromObject(&map[string]any{
			"value": sfn.JsonPath_NumberAt(path(value)), "fail": sfn.JsonPath_StringAt(path(fail)),
		}),
		PayloadResponseOnly: jsii.Bool(true), RetryOnServiceExceptions: jsii.Bool(false), ResultPath: jsii.String(result),
	})
}

func busy(attempts float64) *sfn.RetryProps {
	return &sfn.RetryProps{
		Errors: jsii.Strings("Busy"), Interval: awscdk.Duration_Seconds(jsii.Number(1)), MaxAttempts: jsii.Number(attempts),
	}
}

func catchEnds(stack awscdk.Stack) sfn.IChainable {
	all := sfn.NewParallel(stack, jsii.String("All"), &sfn.ParallelProps{ResultSelector: &map[string]any{"double": sfn.JsonPath_NumberAt(path("$[0].double"))}})
	all.Branch(newWorker(stack, "Try", "$.price", "$.fail", "$"))
	all.AddRetry(busy(2))
	note := sfn.NewPass(stack, jsii.String("Note"), &sfn.PassProps{Parameters: &map[string]any{"noted": sfn.JsonPath_StringAt(path("$.trouble.Error"))}}).
		Next(sfn.NewWait(stack, jsii.String("Filed"), &sfn.WaitProps{Time: sfn.WaitTime_Duration(awscdk.Duration_Seconds(jsii.Number(1)))}))
	all.AddCatch(note, &sfn.CatchProps{Errors: jsii.Strings("Refused"), ResultPath: jsii.String("$.trouble")})
	return all
}

func mapLines(stack awscdk.Stack) sfn.IChainable {
	each := sfn.NewMap(stack, jsii.String("Each"), &sfn.MapProps{
		InputPath: path("$.order"), ItemsPath: path("$.lines"), MaxConcurrency: jsii.Number(2),
		ItemSelector: &map[string]any{
			"index": sfn.JsonPath_NumberAt(path("$$.Map.Item.Index")), "line": sfn.JsonPath_ObjectAt(path("$$.Map.Item.Value")),
			"currency": sfn.JsonPath_StringAt(path("$.currency")),
		},
		ResultSelector: &map[string]any{"lines": sfn.JsonPath_ObjectAt(path("$")), "count": sfn.JsonPath_ArrayLength(sfn.JsonPath_ObjectAt(path("$")))},
		ResultPath:     path("$.priced"), OutputPath: path("$.priced"),
	})
	line := sfn.NewPass(stack, jsii.String("Line"), &sfn.PassProps{
		Parameters: &map[string]any{"text": sfn.JsonPath_Format(jsii.String("{}: {} {}"), sfn.JsonPath_StringAt(path("$.index")),
			sfn.JsonPath_StringAt(path("$.worked.double")), sfn.JsonPath_StringAt(path("$.currency")))},
		OutputPath: path("$.text"),
	})
	each.ItemProcessor(newWorker(stack, "Price", "$.line.price", "$.line.fail", "$.worked").Next(line), nil)
	each.AddRetry(busy(1))
	return each
}

// newStandard is an existing state machine: that of Exits.
func newStandard(stack awscdk.Stack) sfn.IStateMachine {
	scope := constructs.NewConstruct(stack, jsii.String("Existing"))
	return sfn.NewStateMachine(scope, jsii.String("Machine"), &sfn.StateMachineProps{DefinitionBody: sfn.DefinitionBody_FromChainable(exits(scope))})
}

// newExpress is an existing EXPRESS one: it passes the event on, but for a price below 0 and a pause of more than 5
// seconds.
func newExpress(stack awscdk.Stack) sfn.IStateMachine {
	scope := constructs.NewConstruct(stack, jsii.String("ExistingExpress"))
	worth := sfn.NewChoice(scope, jsii.String("Worth"), nil).
		When(sfn.Condition_NumberLessThan(path("$.price"), jsii.Number(0)), sfn.NewFail(scope, jsii.String("Refuse"), &sfn.FailProps{
			Error: jsii.String("NegativePrice"), Cause: jsii.String("a price is 0 or more"),
		}), nil).
		Otherwise(sfn.NewWait(scope, jsii.String("Pause"), &sfn.WaitProps{Time: sfn.WaitTime_SecondsPath(path("$.pause"))}))
	return sfn.NewStateMachine(scope, jsii.String("Machine"), &sfn.StateMachineProps{
		DefinitionBody: sfn.DefinitionBody_FromChainable(worth), StateMachineType: sfn.StateMachineType_EXPRESS,
		Timeout: awscdk.Duration_Seconds(jsii.Number(5)),
	})
}
