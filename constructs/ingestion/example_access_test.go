package ingestion_test

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

// One key encrypts everything, the functions run in a VPC, and the API answers in it only.
func ExampleReplayableIngestionProps_private() {
	stack := awscdk.NewStack(nil, jsii.String("Orders"), nil)
	vpc := awsec2.NewVpc(stack, jsii.String("Vpc"), nil)
	api := vpc.AddInterfaceEndpoint(jsii.String("ReplayApi"), &awsec2.InterfaceVpcEndpointOptions{
		Service: awsec2.InterfaceVpcEndpointAwsService_APIGATEWAY(),
	})
	ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow:        ingestion.FromChainable(awsstepfunctions.NewPass(stack, jsii.String("Work"), nil)),
		ResourceIdPath:  jsii.String("$.order.id"),
		EncryptionKey:   awskms.NewKey(stack, jsii.String("Key"), &awskms.KeyProps{EnableKeyRotation: jsii.Bool(true)}),
		Vpc:             vpc,
		ApiVpcEndpoints: &[]awsec2.IVpcEndpoint{api},
	})
}

// Access tokens of a user pool tell who may replay from who may only read.
func ExampleReplayableIngestionProps_cognito() {
	stack := awscdk.NewStack(nil, jsii.String("Orders"), nil)
	pool := awscognito.NewUserPool(stack, jsii.String("Operators"), nil)
	ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow:       ingestion.FromChainable(awsstepfunctions.NewPass(stack, jsii.String("Work"), nil)),
		ResourceIdPath: jsii.String("$.order.id"),
		ApiAuthorizer: awsapigateway.NewCognitoUserPoolsAuthorizer(stack, jsii.String("Tokens"), &awsapigateway.CognitoUserPoolsAuthorizerProps{
			CognitoUserPools: &[]awscognito.IUserPool{pool},
		}),
		ApiReplayScopes:  jsii.Strings("replays/write"),
		ApiHistoryScopes: jsii.Strings("replays/write", "replays/read"),
	})
}

// Large events get cheaper once they are replaced, and the last ten of each resource stay.
func ExampleReplayableIngestionProps_retention() {
	days := func(n float64) awscdk.Duration { return awscdk.Duration_Days(jsii.Number(n)) }
	stack := awscdk.NewStack(nil, jsii.String("Orders"), nil)
	ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow:                    ingestion.FromChainable(awsstepfunctions.NewPass(stack, jsii.String("Work"), nil)),
		ResourceIdPath:              jsii.String("$.order.id"),
		NoncurrentVersionExpiration: days(365),
		NoncurrentVersionsToRetain:  jsii.Number(10),
		NoncurrentVersionTransition: &awss3.NoncurrentVersionTransition{
			StorageClass: awss3.StorageClass_GLACIER_INSTANT_RETRIEVAL(), TransitionAfter: days(30),
		},
		OutputExpiration: days(180),
	})
}
