package golambda_test

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/golambda"
)

// A function of the app's own module.
func ExampleCode() {
	stack := awscdk.NewStack(nil, jsii.String("Shop"), nil)
	arch := awslambda.Architecture_ARM_64()
	awslambda.NewFunction(stack, jsii.String("Pricing"), &awslambda.FunctionProps{
		Code:         golambda.Code("github.com/acme/shop", "lambdas/pricing", arch),
		Handler:      jsii.String(golambda.Bootstrap),
		Runtime:      awslambda.Runtime_PROVIDED_AL2023(),
		Architecture: arch,
	})
}
