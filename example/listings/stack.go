package listings

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

// StackProps configures the stack of a stage.
type StackProps struct {
	awscdk.StackProps

	// Service and Stage become the tags service and env of every resource.
	Service string
	Stage   Stage

	// Architecture of the functions.
	//
	// Default: ARM_64.
	Architecture awslambda.Architecture
}

// Stack is the importer of one stage.
type Stack struct {
	awscdk.Stack

	Listings       *ingestion.ReplayableIngestion
	EnrichFunction awslambda.Function
	Geocoder       awsssm.StringParameter // ok, unavailable or hang: how the geocoder behaves
	Premium        awssqs.Queue           // listings offered to the sales team
	Downstream     awssqs.Queue           // every published listing
	DownstreamLive awssqs.Queue           // every published listing that is no replay
}

// NewStack creates the importer. It panics, as CDK constructors do, when props are invalid.
func NewStack(scope constructs.Construct, id *string, props *StackProps) *Stack {
	s := &Stack{}
	stackProps := props.StackProps
	awscdk.NewStack_Override(s, scope, id, &stackProps)
	awscdk.Tags_Of(s).Add(jsii.String("service"), jsii.String(props.Service), nil)
	awscdk.Tags_Of(s).Add(jsii.String("env"), jsii.String(props.Stage.Name), nil)

	arch := props.Architecture
	if arch == nil {
		arch = awslambda.Architecture_ARM_64()
	}
	stage := props.Stage
	s.Listings = ingestion.NewReplayableIngestion(s, jsii.String("Listings"), &ingestion.ReplayableIngestionProps{
		Workflow:                    ingestion.FromChainable(s.workflow(stage, arch)),
		ResourceIdPath:              jsii.String("$.listing.id"),
		OwnerIdPath:                 jsii.String("$.listing.agencyId"),
		Architecture:                arch,
		RemovalPolicy:               stage.removalPolicy(),
		LogRetention:                stage.logRetention(),
		NoncurrentVersionExpiration: awscdk.Duration_Days(jsii.Number(stage.NoncurrentDays)),
		AutoReplayInterval:          awscdk.Duration_Minutes(jsii.Number(stage.AutoReplayMinutes)),
		BackoffBase:                 awscdk.Duration_Seconds(jsii.Number(stage.BackoffBaseSeconds)),
		SettleAfter:                 awscdk.Duration_Minutes(jsii.Number(stage.SettleAfterMinutes)),
		CanaryThreshold:             jsii.Number(stage.CanaryThreshold),
		ApiWebAclArn:                s.webACL(stage),
		ApiCloudWatchRole:           jsii.Bool(true), // false for an account that has the role
	})
	s.Downstream = s.AddSubscriber(jsii.String("Downstream"), nil)
	s.DownstreamLive = s.AddSubscriber(jsii.String("DownstreamLive"), noReplays())
	s.addOutputs()
	s.suppressFindings()
	return s
}

// AddSubscriber creates a queue that plays a service downstream, and subscribes it to the listings that match filter;
// nil: to all. Raw delivery hands it the listing as it is, with the attributes of the publication as attributes of
// the message.
func (s *Stack) AddSubscriber(id *string, filter *map[string]awssns.SubscriptionFilter) awssqs.Queue {
	queue := s.newQueue(*id)
	s.Listings.Topic.AddSubscription(awssnssubscriptions.NewSqsSubscription(queue,
		&awssnssubscriptions.SqsSubscriptionProps{
			RawMessageDelivery: jsii.Bool(true),
			FilterPolicy:       filter,
		}))
	return queue
}

// noReplays matches what is published for the first time.
func noReplays() *map[string]awssns.SubscriptionFilter {
	return &map[string]awssns.SubscriptionFilter{
		"isReplay": awssns.SubscriptionFilter_StringFilter(&awssns.StringConditions{
			Allowlist: jsii.Strings("false"),
		}),
	}
}

func (s *Stack) newQueue(id string) awssqs.Queue {
	return awssqs.NewQueue(s, jsii.String(id), &awssqs.QueueProps{
		Encryption: awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL: jsii.Bool(true),
	})
}

func (s *Stack) addOutputs() {
	for _, output := range []struct {
		id    string
		value *string
	}{
		{"StateMachineArn", s.Listings.StateMachine.StateMachineArn()},
		{"EventLogBucket", s.Listings.EventLog.BucketName()},
		{"DeadLetterQueueUrl", s.Listings.DeadLetterQueue.QueueUrl()},
		{"ReplayQueueUrl", s.Listings.ReplayQueue.QueueUrl()},
		{"OutcomesQueueUrl", s.Listings.OutcomesQueue.QueueUrl()},
		{"TopicArn", s.Listings.Topic.TopicArn()},
		{"LedgerTable", s.Listings.Ledger.TableName()},
		{"ApiUrl", s.Listings.Api.Url()},
		{"DownstreamQueueUrl", s.Downstream.QueueUrl()},
		{"DownstreamLiveQueueUrl", s.DownstreamLive.QueueUrl()},
		{"PremiumQueueUrl", s.Premium.QueueUrl()},
		{"GeocoderParameter", s.Geocoder.ParameterName()},
	} {
		awscdk.NewCfnOutput(s, jsii.String(output.id), &awscdk.CfnOutputProps{Value: output.value})
	}
}
