package ingestion

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/jsii-runtime-go"
)

// gatewayProblem is an answer that API Gateway gives in place of the handler.
type gatewayProblem struct {
	kind   string // as awsapigateway.ResponseType has it
	status int    // 0: whatever the fault is
	title  string // the status's name in HTTP
	detail string // a template; empty: API Gateway's own message
}

// gatewayProblems covers every kind that the API can meet. DEFAULT_4XX and DEFAULT_5XX keep the status of what is
// left, which their template cannot name.
func gatewayProblems() []gatewayProblem {
	const (
		noDetails = `"The request could not be handled. Try again, and give this requestId when you report it."`
		badBody   = `"The request body must be a JSON object."`
	)
	return []gatewayProblem{
		{"DEFAULT_4XX", 0, "Bad Request", ""},
		{"DEFAULT_5XX", 0, "Internal Server Error", noDetails},
		{"BAD_REQUEST_BODY", 400, "Bad Request", badBody},
		{"BAD_REQUEST_PARAMETERS", 400, "Bad Request", ""},
		{"UNAUTHORIZED", 401, "Unauthorized", ""},
		{"ACCESS_DENIED", 403, "Forbidden", ""},
		{"EXPIRED_TOKEN", 403, "Forbidden", ""},
		{"INVALID_SIGNATURE", 403, "Forbidden", ""},
		{"MISSING_AUTHENTICATION_TOKEN", 403, "Forbidden", ""},
		{"WAF_FILTERED", 403, "Forbidden", ""},
		{"RESOURCE_NOT_FOUND", 404, "Not Found", ""},
		{"REQUEST_TOO_LARGE", 413, "Content Too Large", ""},
		{"UNSUPPORTED_MEDIA_TYPE", 415, "Unsupported Media Type", ""},
		{"THROTTLED", 429, "Too Many Requests", ""},
		{"QUOTA_EXCEEDED", 429, "Too Many Requests", ""},
		{"API_CONFIGURATION_ERROR", 500, "Internal Server Error", noDetails},
		{"AUTHORIZER_CONFIGURATION_ERROR", 500, "Internal Server Error", noDetails},
		{"AUTHORIZER_FAILURE", 500, "Internal Server Error", noDetails},
		{"INTEGRATION_FAILURE", 502, "Bad Gateway", noDetails},
		{"INTEGRATION_TIMEOUT", 504, "Gateway Timeout", noDetails},
	}
}

// addGatewayResponses makes API Gateway answer as the handler does: with a problem of RFC 9457. It has one template. If
// none is for what a request accepts, application/json by default, API Gateway takes the first one (API Gateway
// Developer Guide, "Work with models and mapping templates"): with one for application/json as well, most answers would
// be of that type.
func addGatewayResponses(api awsapigateway.RestApi) {
	for _, p := range gatewayProblems() {
		options := &awsapigateway.GatewayResponseOptions{
			Type:      awsapigateway.ResponseType_Of(jsii.String(p.kind)),
			Templates: &map[string]*string{"application/problem+json": jsii.String(p.template())},
		}
		if p.status != 0 {
			options.StatusCode = jsii.String(strconv.Itoa(p.status))
		}
		api.AddGatewayResponse(jsii.String(p.kind), options)
	}
}

// template renders the body. $context.error.messageString is quoted by API Gateway.
func (p gatewayProblem) template() string {
	detail, status := p.detail, ""
	if detail == "" {
		detail = "$context.error.messageString"
	}
	if p.status != 0 {
		status = fmt.Sprintf(`"status":%d,`, p.status)
	}
	return fmt.Sprintf(`{"type":"about:blank","title":%q,%s"detail":%s,"requestId":"$context.requestId"}`,
		p.title, status, detail)
}
