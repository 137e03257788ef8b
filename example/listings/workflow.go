package listings

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctionstasks"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/golambda"
	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

// enrichTimeoutSeconds is short, so that a geocoder that hangs fails the event soon. A replay tries again.
const enrichTimeoutSeconds = 3

// workflow enriches a listing and offers it to the sales team if it is premium. What follows is the construct's.
func (s *Stack) workflow(stage Stage, arch awslambda.Architecture) awsstepfunctions.IChainable {
	s.addEnrichFunction(stage, arch)
	enrich := awsstepfunctionstasks.NewLambdaInvoke(s, jsii.String("Enrich"), &awsstepfunctionstasks.LambdaInvokeProps{
		LambdaFunction:      s.EnrichFunction,
		PayloadResponseOnly: jsii.Bool(true),
		// No retries inside the execution: the failure is to reach the dead-letter queue and be replayed from there,
		// after a backoff that outlasts an outage and costs no running execution. That is what this example shows.
		RetryOnServiceExceptions: jsii.Bool(false),
	})

	s.Premium = s.newQueue("Premium")
	offer := awsstepfunctionstasks.NewSqsSendMessage(s, jsii.String("OfferToSales"), &awsstepfunctionstasks.SqsSendMessageProps{
		Queue:       s.Premium,
		MessageBody: awsstepfunctions.TaskInput_FromJsonPathAt(awsstepfunctions.JsonPath_EntirePayload()),
		ResultPath:  awsstepfunctions.JsonPath_DISCARD(),
	})
	// The sales team must not call twice, whatever is replayed later.
	isNewPremium := awsstepfunctions.NewChoice(s, jsii.String("IsNewPremium"), nil)
	offerIt := awsstepfunctions.Condition_And(
		awsstepfunctions.Condition_BooleanEquals(jsii.String("$.enrichment.premium"), jsii.Bool(true)),
		awsstepfunctions.Condition_Not(ingestion.IsReplay()),
	)
	return enrich.Next(isNewPremium.
		When(offerIt, offer, nil).
		Afterwards(&awsstepfunctions.AfterwardsOptions{IncludeOtherwise: jsii.Bool(true)}))
}

func (s *Stack) addEnrichFunction(stage Stage, arch awslambda.Architecture) {
	s.Geocoder = awsssm.NewStringParameter(s, jsii.String("GeocoderMode"), &awsssm.StringParameterProps{
		Description:    jsii.String("How the geocoder behaves: ok, unavailable or hang"),
		StringValue:    jsii.String("ok"),
		AllowedPattern: jsii.String("^(ok|unavailable|hang)$"),
	})
	s.EnrichFunction = awslambda.NewFunction(s, jsii.String("EnrichFunction"), &awslambda.FunctionProps{
		Description:  jsii.String("Adds what can be computed about a listing"),
		Code:         golambda.Code(golambda.ThisModule(), "example/listings/enrich", arch),
		Handler:      jsii.String(golambda.Bootstrap),
		Runtime:      awslambda.Runtime_PROVIDED_AL2023(),
		Architecture: arch,
		MemorySize:   jsii.Number(256),
		Timeout:      awscdk.Duration_Seconds(jsii.Number(enrichTimeoutSeconds)),
		Environment:  &map[string]*string{"GEOCODER_PARAMETER": s.Geocoder.ParameterName()},
		LogGroup: awslogs.NewLogGroup(s, jsii.String("EnrichLogs"), &awslogs.LogGroupProps{
			Retention:     stage.logRetention(),
			RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
		}),
		LoggingFormat: awslambda.LoggingFormat_JSON,
		Tracing:       awslambda.Tracing_ACTIVE,
	})
	s.Geocoder.GrantRead(s.EnrichFunction)
}
