package synth_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

// variants are stacks whose templates differ in kind, for checks that look at everything. The construct is Test/Ingestion.
func variants() map[string]func(*testing.T) awscdk.Stack {
	with := func(change func(awscdk.Stack, *ingestion.ReplayableIngestionProps)) func(*testing.T) awscdk.Stack {
		return func(t *testing.T) awscdk.Stack {
			stack := newStack(t)
			props := valid(stack)
			change(stack, props)
			newIngestion(stack, props)
			return stack
		}
	}
	return map[string]func(*testing.T) awscdk.Stack{
		"minimal": with(func(awscdk.Stack, *ingestion.ReplayableIngestionProps) {}),
		"key and VPC": with(func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
			p.EncryptionKey = awskms.NewKey(s, jsii.String("Key"), &awskms.KeyProps{EnableKeyRotation: jsii.Bool(true)})
			p.Vpc = newVpc(s, awsec2.SubnetType_PRIVATE_ISOLATED)
			p.NoncurrentVersionsToRetain, p.OutputExpiration, p.UnrecordedExpiration = jsii.Number(3), days(30), days(90)
			p.NoncurrentVersionTransition = &awss3.NoncurrentVersionTransition{
				StorageClass: awss3.StorageClass_GLACIER_INSTANT_RETRIEVAL(), TransitionAfter: days(10),
			}
		}),
		"Cognito": with(func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
			p.ApiAuthorizer = cognito(s)
			p.ApiReplayScopes, p.ApiHistoryScopes = jsii.Strings("replays/write"), jsii.Strings("replays/read")
			p.ApiCloudWatchRole = jsii.Bool(false)
		}),
		"private, by a function": with(func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
			p.ApiAuthorizer = lambdaAuthorizer(s)
			p.ApiVpcEndpoints = &[]awsec2.IVpcEndpoint{endpoint(s, "A")}
			p.ApiWebAclArn = jsii.String(webACL)
		}),
		"FIFO and existing": with(func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
			p.EventLog = awss3.NewBucket(s, jsii.String("Mine"), &awss3.BucketProps{Versioned: jsii.Bool(true)})
			p.Topic = awssns.NewTopic(s, jsii.String("News"), &awssns.TopicProps{Fifo: jsii.Bool(true), TopicName: jsii.String("news.fifo")})
		}),
		"a child": with(func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
			p.Workflow = ingestion.FromStateMachine(awsstepfunctions.NewStateMachine(s, jsii.String("Child"), &awsstepfunctions.StateMachineProps{
				DefinitionBody: awsstepfunctions.DefinitionBody_FromChainable(awsstepfunctions.NewPass(s, jsii.String("P"), nil)),
			}), nil)
		}),
	}
}
