// Command bare is a minimal CDK app with the example's stages: one bucket for each. The example's synthesis time is
// compared with its time.
package main

import (
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/example/listings"
)

func main() {
	os.Exit(run())
}

func run() int {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	c, err := listings.ReadContext(app.Node())
	if err != nil {
		println(err.Error())
		return 1
	}
	for _, stage := range c.Stages {
		stack := awscdk.NewStack(app, jsii.String("bare-"+stage.Name), nil)
		awss3.NewBucket(stack, jsii.String("Bucket"), nil)
	}
	app.Synth(nil)
	return 0
}
