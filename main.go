// Command replayable-ingestion is the example app: one stack of the listing importer per stage in cdk.json.
//
//	cdk deploy listings-dev
//	cdk synth -c stage=dev -c architecture=x86_64
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
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
		fmt.Fprintf(os.Stderr, "invalid configuration, see cdk.json:\n%v\n", err)
		return 1
	}
	// The stacks name no account and no Region: they synthesize without either, and deploy wherever the CLI points.
	for _, stage := range c.Stages {
		listings.NewStack(app, jsii.String("listings-"+stage.Name), &listings.StackProps{
			StackProps:   awscdk.StackProps{Description: jsii.String("Listing importer, stage " + stage.Name)},
			Service:      c.Service,
			Stage:        stage,
			Architecture: c.Architecture,
		})
	}
	app.Synth(nil)
	return 0
}
