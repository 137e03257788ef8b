package ingestion

import (
	"regexp"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awswafv2"
	"github.com/aws/jsii-runtime-go"
)

const (
	// Throttling of the whole API, in requests per second. A replay of any size is one request.
	throttleRate  = 50
	throttleBurst = 100
	// maxThrottle is the quota of an account, for all its APIs together; AWS raises it on request.
	maxThrottle = 100_000
)

// access is who may call the API, and from where.
type access struct {
	authorizer    awsapigateway.IAuthorizer // nil: IAM
	replayScopes  *[]*string
	historyScopes *[]*string
	endpoints     *[]awsec2.IVpcEndpoint // nil: public
	policy        awsiam.PolicyDocument  // nil: none, or that of a private API
	webACL        *string
	rate, burst   *float64
}

func (p *ReplayableIngestionProps) resolveAccess() access {
	a := access{
		authorizer: p.ApiAuthorizer, replayScopes: p.ApiReplayScopes, historyScopes: p.ApiHistoryScopes,
		endpoints: p.ApiVpcEndpoints, policy: p.ApiPolicy, webACL: p.ApiWebAclArn,
		rate: p.ApiRateLimit, burst: p.ApiBurstLimit,
	}
	if a.rate == nil {
		a.rate = jsii.Number(throttleRate)
	}
	if a.burst == nil {
		a.burst = jsii.Number(throttleBurst)
	}
	return a
}

// methodOptions say who may call a method.
func (a access) methodOptions(scopes *[]*string) *awsapigateway.MethodOptions {
	if a.authorizer == nil {
		return &awsapigateway.MethodOptions{AuthorizationType: awsapigateway.AuthorizationType_IAM}
	}
	return &awsapigateway.MethodOptions{
		Authorizer: a.authorizer, AuthorizationType: a.authorizer.AuthorizationType(), AuthorizationScopes: scopes,
	}
}

func (a access) endpointConfiguration() *awsapigateway.EndpointConfiguration {
	kind := awsapigateway.EndpointType_REGIONAL
	if a.endpoints != nil {
		kind = awsapigateway.EndpointType_PRIVATE
	}
	return &awsapigateway.EndpointConfiguration{Types: &[]awsapigateway.EndpointType{kind}, VpcEndpoints: a.endpoints}
}

// resourcePolicy is the policy of the API itself. A private API without one refuses everybody.
//
// With IAM it allows the account, which leaves it to IAM who of the account may call. To allow everybody, as is usually
// seen, would make the policy enough by itself: within an account, API Gateway asks for the consent of one of the two.
// Other authorizers decide after the policy has let the request pass, which then can be anybody's.
func (a access) resourcePolicy() awsiam.PolicyDocument {
	if a.policy != nil || a.endpoints == nil {
		return a.policy
	}
	ids := make([]*string, len(*a.endpoints))
	for i, endpoint := range *a.endpoints {
		ids[i] = endpoint.VpcEndpointId()
	}
	invoke, api := jsii.Strings("execute-api:Invoke"), jsii.Strings("execute-api:/*")
	var allowed awsiam.IPrincipal = awsiam.NewAccountRootPrincipal()
	if a.authorizer != nil {
		allowed = awsiam.NewAnyPrincipal()
	}
	return awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &[]awsiam.PolicyStatement{
		awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Principals: &[]awsiam.IPrincipal{allowed}, Actions: invoke, Resources: api,
			Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceVpce": ids}},
		}),
		awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Effect: awsiam.Effect_DENY, Principals: &[]awsiam.IPrincipal{awsiam.NewAnyPrincipal()}, Actions: invoke, Resources: api,
			Conditions: &map[string]any{"StringNotEquals": map[string]any{"aws:SourceVpce": ids}},
		}),
	}})
}

// addFirewall puts a web ACL before the API.
func (r *ReplayableIngestion) addFirewall(s *settings) {
	if s.access.webACL != nil {
		awswafv2.NewCfnWebACLAssociation(r, jsii.String("WebAcl"), &awswafv2.CfnWebACLAssociationProps{
			ResourceArn: r.Api.DeploymentStage().StageArn(),
			WebAclArn:   s.access.webACL,
		})
	}
}

func (p *ReplayableIngestionProps) validateAccess(f *faults) {
	kind := awsapigateway.AuthorizationType_IAM
	if a := p.ApiAuthorizer; a != nil {
		kind = a.AuthorizationType()
		if kind != awsapigateway.AuthorizationType_COGNITO && kind != awsapigateway.AuthorizationType_CUSTOM {
			f.add("ApiAuthorizer must be for COGNITO or CUSTOM, got %q: leave it out for IAM, and nothing opens the API to everybody", kind)
		}
	}
	f.scopes("ApiReplayScopes", p.ApiReplayScopes, kind)
	f.scopes("ApiHistoryScopes", p.ApiHistoryScopes, kind)
	if endpoints := p.ApiVpcEndpoints; endpoints != nil {
		if len(*endpoints) == 0 {
			f.add("ApiVpcEndpoints must have one endpoint or more: leave it out for a public API")
		}
		for i, endpoint := range *endpoints {
			if isNil(endpoint) {
				f.add("ApiVpcEndpoints[%d] must be an interface endpoint of execute-api, got nothing", i)
			}
		}
	}
	if arn := p.ApiWebAclArn; arn != nil && !*awscdk.Token_IsUnresolved(arn) && !webACLArn.MatchString(*arn) {
		f.add("ApiWebAclArn must be the ARN of a regional WAFv2 web ACL, got %q", *arn)
	}
	f.number("ApiRateLimit", p.ApiRateLimit, 1, maxThrottle, fractional)
	f.number("ApiBurstLimit", p.ApiBurstLimit, 1, maxThrottle, whole)
}

// WAF's older version, and web ACLs for CloudFront, do not fit a stage of an API.
var webACLArn = regexp.MustCompile(`^arn:[a-z-]+:wafv2:[a-z0-9-]+:\d{12}:regional/webacl/[^/]+/[^/]+$`)

// scopes are those of access tokens of Cognito. Other authorizers know none, and API Gateway would ignore them.
func (f *faults) scopes(prop string, scopes *[]*string, kind awsapigateway.AuthorizationType) {
	if scopes == nil {
		return
	}
	if kind != awsapigateway.AuthorizationType_COGNITO {
		f.add("%s needs an ApiAuthorizer of Cognito user pools, got authorization by %s", prop, kind)
	}
	if len(*scopes) == 0 {
		f.add("%s must have one scope or more: leave it out to accept ID tokens", prop)
	}
	for i, scope := range *scopes {
		if scope == nil || *scope == "" {
			f.add("%s[%d] must be a scope such as replays/write, got nothing", prop, i)
		}
	}
}
