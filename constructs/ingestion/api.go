package ingestion

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/jsii-runtime-go"
)

// stageName is a version, not an environment: the stack is that.
const stageName = "v1"

// route is a method of the API.
type route struct {
	verb, path string
	history    bool // reads the past; else about replays
	body       bool // takes a JSON object
}

func routes() []route {
	return []route{
		{verb: "POST", path: "replays", body: true},
		{verb: "GET", path: "replays"},
		{verb: "GET", path: "replays/{replayId}"},
		{verb: "GET", path: "replays/{replayId}/items"},
		{verb: "PATCH", path: "replays/{replayId}", body: true},
		{verb: "POST", path: "replays/{replayId}/cancel"},
		{verb: "POST", path: "versions", body: true},
		{verb: "POST", path: "replays/{replayId}/pause", body: true},
		{verb: "POST", path: "replays/{replayId}/resume"},
		{verb: "GET", path: "controls", history: true},
		{verb: "PATCH", path: "controls", body: true},
		{verb: "GET", path: "replays/{replayId}/evidence"},
		{verb: "GET", path: "resources", history: true},
		{verb: "GET", path: "executions", history: true},
		{verb: "GET", path: "versions", history: true},
		{verb: "GET", path: "versions/{versionId}", history: true},
		{verb: "GET", path: "failures", history: true},
		{verb: "GET", path: "failures/groups", history: true},
		{verb: "POST", path: "failures/close", body: true},
		{verb: "POST", path: "failures/reopen", body: true},
		{verb: "GET", path: "failures/jobs", history: true},
		{verb: "GET", path: "failures/jobs/{jobId}", history: true},
	}
}

func (r *ReplayableIngestion) addApi(s *settings) {
	r.Api = r.newApi(s)
	addGatewayResponses(r.Api)
	r.addFirewall(s)
	// The gateway asks for a JSON object only. The handler validates the rest, and can say what to do about it.
	model := r.Api.AddModel(jsii.String("JsonObject"), &awsapigateway.ModelOptions{
		Description: jsii.String("Any JSON object"),
		ContentType: jsii.String("application/json"),
		Schema:      &awsapigateway.JsonSchema{Type: awsapigateway.JsonSchemaType_OBJECT},
	})
	validator := r.Api.AddRequestValidator(jsii.String("Body"), &awsapigateway.RequestValidatorOptions{
		ValidateRequestBody: jsii.Bool(true),
	})
	handler := awsapigateway.NewLambdaIntegration(r.ReplayHandlerFunction, &awsapigateway.LambdaIntegrationOptions{
		Proxy:           jsii.Bool(true),
		AllowTestInvoke: jsii.Bool(false), // the console's test button would call without a caller
	})
	for _, rt := range routes() {
		scopes := s.access.replayScopes
		if rt.history {
			scopes = s.access.historyScopes
		}
		options := s.access.methodOptions(scopes)
		if rt.body {
			options.RequestModels = &map[string]awsapigateway.IModel{"application/json": model}
			options.RequestValidator = validator
		}
		resource := r.Api.Root().ResourceForPath(jsii.String(rt.path))
		method := resource.AddMethod(jsii.String(rt.verb), handler, options)
		if rt.history {
			r.historyMethods = append(r.historyMethods, method)
		} else {
			r.replayMethods = append(r.replayMethods, method)
		}
	}
}

func (r *ReplayableIngestion) newApi(s *settings) awsapigateway.RestApi {
	logs := r.newLogGroup("ApiLogs", s)
	props := &awsapigateway.RestApiProps{
		// API names need not be unique, so this one does not get in the way of a replacement.
		RestApiName:           r.uniqueName(),
		Description:           jsii.String("Replays events of " + r.path()),
		EndpointConfiguration: s.access.endpointConfiguration(),
		Policy:                s.access.resourcePolicy(),
		CloudWatchRole:        jsii.Bool(s.apiCloudWatchRole),
		// Methods that a user of the construct adds are not open by oversight.
		DefaultMethodOptions: s.access.methodOptions(s.access.replayScopes),
		DeployOptions: &awsapigateway.StageOptions{
			StageName:            jsii.String(stageName),
			TracingEnabled:       jsii.Bool(true),
			MetricsEnabled:       jsii.Bool(true),
			ThrottlingRateLimit:  s.access.rate,
			ThrottlingBurstLimit: s.access.burst,
			AccessLogDestination: awsapigateway.NewLogGroupLogDestination(logs),
			AccessLogFormat:      accessLogFormat(),
		},
	}
	if s.apiCloudWatchRole {
		props.CloudWatchRoleRemovalPolicy = awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
	}
	api := awsapigateway.NewRestApi(r, jsii.String("Api"), props)
	// CDK adds a stack output with the URL. Outputs are the stack's to choose; the URL is Api.Url().
	api.Node().TryRemoveChild(jsii.String("Endpoint"))
	return api
}

// accessLogFormat is one JSON object per request: the caller, the call, and its result. Queries and bodies hold
// resource ids and stay out.
func accessLogFormat() awsapigateway.AccessLogFormat {
	return awsapigateway.AccessLogFormat_JsonWithStandardFields(&awsapigateway.JsonWithStandardFieldProps{
		Caller:         jsii.Bool(true),
		HttpMethod:     jsii.Bool(true),
		Ip:             jsii.Bool(true),
		Protocol:       jsii.Bool(true),
		RequestTime:    jsii.Bool(true),
		ResourcePath:   jsii.Bool(true),
		ResponseLength: jsii.Bool(true),
		Status:         jsii.Bool(true),
		User:           jsii.Bool(true),
	})
}
