package synth_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

const webACL = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/front/8e03978e-40d5-43e8-bc93-6894a57f9324"

func cognito(stack awscdk.Stack) awsapigateway.IAuthorizer {
	return awsapigateway.NewCognitoUserPoolsAuthorizer(stack, jsii.String("Operators"), &awsapigateway.CognitoUserPoolsAuthorizerProps{
		CognitoUserPools: &[]awscognito.IUserPool{awscognito.NewUserPool(stack, jsii.String("Pool"), nil)},
	})
}

func lambdaAuthorizer(stack awscdk.Stack) awsapigateway.IAuthorizer {
	return awsapigateway.NewTokenAuthorizer(stack, jsii.String("Tokens"), &awsapigateway.TokenAuthorizerProps{
		Handler: awslambda.NewFunction(stack, jsii.String("Check"), &awslambda.FunctionProps{
			Runtime: awslambda.Runtime_PROVIDED_AL2023(), Handler: jsii.String("bootstrap"), Code: awslambda.Code_FromBucketV2(bucket(stack), jsii.String("check.zip"), nil),
		}),
	})
}

func endpoint(stack awscdk.Stack, id string) awsec2.IVpcEndpoint {
	return awsec2.InterfaceVpcEndpoint_FromInterfaceVpcEndpointAttributes(stack, jsii.String(id), &awsec2.InterfaceVpcEndpointAttributes{
		VpcEndpointId: jsii.String("vpce-" + strings.ToLower(id) + "0123456789abcdef0"[:17]), Port: jsii.Number(443),
	})
}

// accessible is the template of a construct whose access is changed.
func accessible(t *testing.T, change func(awscdk.Stack, *ingestion.ReplayableIngestionProps)) template {
	t.Helper()
	stack := newStack(t)
	props := valid(stack)
	change(stack, props)
	newIngestion(stack, props)
	return synth(t, stack)
}

func TestAuthorizers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(awscdk.Stack, *ingestion.ReplayableIngestionProps)
		kind   string
		id     string
		scopes map[bool]string // of history, of replays
	}{
		{"IAM", func(awscdk.Stack, *ingestion.ReplayableIngestionProps) {}, "AWS_IAM", "<nil>", map[bool]string{true: "<nil>", false: "<nil>"}},
		{"ID tokens of Cognito", func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) { p.ApiAuthorizer = cognito(s) },
			"COGNITO_USER_POOLS", "${Operators}", map[bool]string{true: "<nil>", false: "<nil>"}},
		{"access tokens of Cognito", func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
			p.ApiAuthorizer = cognito(s)
			p.ApiReplayScopes, p.ApiHistoryScopes = jsii.Strings("replays/write"), jsii.Strings("replays/write", "replays/read")
		}, "COGNITO_USER_POOLS", "${Operators}", map[bool]string{true: "[replays/write replays/read]", false: "[replays/write]"}},
		{"a function", func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) { p.ApiAuthorizer = lambdaAuthorizer(s) },
			"CUSTOM", "${Tokens}", map[bool]string{true: "<nil>", false: "<nil>"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			methods := accessible(t, tt.change).ofType("AWS::ApiGateway::Method")
			if len(methods) != 22 {
				t.Errorf("got %d methods, want 22", len(methods))
			}
			for id, m := range methods {
				history := !strings.HasPrefix(id, "IngestionApireplays") && !strings.HasSuffix(id, "POST") && !strings.HasSuffix(id, "PATCH")
				t.Run(id, func(t *testing.T) {
					want(t, m.Properties, map[string]string{"AuthorizationType": tt.kind, "AuthorizerId": tt.id, "AuthorizationScopes": tt.scopes[history]})
				})
			}
		})
	}
}

// TestMethodsOfUsersAreNotOpenByOversight: what a user adds to the API is authorized as the rest.
func TestMethodsOfUsersAreNotOpenByOversight(t *testing.T) {
	for _, authorized := range []bool{false, true} {
		stack := newStack(t)
		props := valid(stack)
		kind := "AWS_IAM"
		if authorized {
			props.ApiAuthorizer, kind = cognito(stack), "COGNITO_USER_POOLS"
		}
		r := newIngestion(stack, props)
		r.Api.Root().AddResource(jsii.String("health"), nil).AddMethod(jsii.String("GET"), nil, nil)
		want(t, synth(t, stack).one(t, "AWS::ApiGateway::Method", "IngestionApihealthGET"), map[string]string{"AuthorizationType": kind})
	}
}

func TestGrantsOfIAMAreRefusedWhereIAMDoesNotDecide(t *testing.T) {
	stack := newStack(t)
	props := valid(stack)
	props.ApiAuthorizer = cognito(stack)
	r := newIngestion(stack, props)
	caller := awsiam.NewUser(stack, jsii.String("Caller"), nil)
	for name, grant := range map[string]func(awsiam.IGrantable) awsiam.Grant{"GrantReplay": r.GrantReplay, "GrantReadHistory": r.GrantReadHistory} {
		if message := panics(func() { grant(caller) }); !strings.Contains(message, name+": callers of this API are authorized by its ApiAuthorizer (COGNITO_USER_POOLS)") {
			t.Errorf("got %q", message)
		}
	}
	if message := panics(func() { r.GrantIngest(caller) }); message != "" {
		t.Errorf("GrantIngest has nothing to do with the API, got %s", message)
	}
}

// policyOf is the API's own policy, one statement per line.
func policyOf(t *testing.T, tpl template) string {
	t.Helper()
	policy, ok := tpl.one(t, "AWS::ApiGateway::RestApi", "IngestionApi")["Policy"].(map[string]any)
	if !ok {
		return ""
	}
	var lines []string
	for _, s := range policy["Statement"].([]any) {
		s := s.(map[string]any)
		lines = append(lines, fmt.Sprintf("%v %s %v %v %s", s["Effect"], inline(t, s["Principal"]), s["Action"], s["Resource"], inline(t, s["Condition"])))
	}
	return strings.Join(lines, "\n")
}

func TestPrivateApi(t *testing.T) {
	const deny = `Deny {"AWS":"*"} execute-api:Invoke execute-api:/* {"StringNotEquals":{"aws:SourceVpce":["vpce-a0123456789abcdef0","vpce-b0123456789abcdef0"]}}`
	const allow = ` execute-api:Invoke execute-api:/* {"StringEquals":{"aws:SourceVpce":["vpce-a0123456789abcdef0","vpce-b0123456789abcdef0"]}}`
	for _, tt := range []struct {
		name      string
		change    func(awscdk.Stack, *ingestion.ReplayableIngestionProps)
		principal string
	}{
		{"with IAM it is the account's, and IAM says whose of it", func(awscdk.Stack, *ingestion.ReplayableIngestionProps) {},
			`Allow {"AWS":"arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}`},
		{"with an authorizer it is whose the authorizer says", func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) { p.ApiAuthorizer = cognito(s) },
			`Allow {"AWS":"*"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tpl := accessible(t, func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
				p.ApiVpcEndpoints = &[]awsec2.IVpcEndpoint{endpoint(s, "A"), endpoint(s, "B")}
				tt.change(s, p)
			})
			want(t, tpl.one(t, "AWS::ApiGateway::RestApi", "IngestionApi"), map[string]string{
				"EndpointConfiguration.Types": "[PRIVATE]", "EndpointConfiguration.VpcEndpointIds": "[vpce-a0123456789abcdef0 vpce-b0123456789abcdef0]",
			})
			if got := policyOf(t, tpl); got != tt.principal+allow+"\n"+deny {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

func TestApiPolicyIsTheUsers(t *testing.T) {
	if got := policyOf(t, minimal(t)); got != "" {
		t.Errorf("a public API has the policy %s", got)
	}
	got := policyOf(t, accessible(t, func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
		p.ApiVpcEndpoints = &[]awsec2.IVpcEndpoint{endpoint(s, "A")}
		p.ApiPolicy = awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &[]awsiam.PolicyStatement{
			awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Principals: &[]awsiam.IPrincipal{awsiam.NewOrganizationPrincipal(jsii.String("o-1234567890"))}, Actions: jsii.Strings("execute-api:Invoke"), Resources: jsii.Strings("execute-api:/*"),
			}),
		}})
	}))
	if !strings.Contains(got, `{"StringEquals":{"aws:PrincipalOrgID":"o-1234567890"}}`) || strings.Contains(got, "\n") {
		t.Errorf("got\n%s", got)
	}
}

func TestFirewallAndThrottling(t *testing.T) {
	tpl := accessible(t, func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
		p.ApiWebAclArn = jsii.String(webACL)
		p.ApiRateLimit, p.ApiBurstLimit = jsii.Number(2.5), jsii.Number(7)
	})
	want(t, tpl.one(t, "AWS::WAFv2::WebACLAssociation", "IngestionWebAcl"), map[string]string{
		"WebACLArn":   webACL,
		"ResourceArn": "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${IngestionApi}/stages/${IngestionApiDeploymentStagev1}",
	})
	want(t, tpl.one(t, "AWS::ApiGateway::Stage", "IngestionApiDeploymentStagev1"), map[string]string{
		"MethodSettings.0.ThrottlingRateLimit": "2.5", "MethodSettings.0.ThrottlingBurstLimit": "7",
	})
	without := minimal(t)
	if n := len(without.ofType("AWS::WAFv2::WebACLAssociation")); n != 0 {
		t.Errorf("got %d web ACLs without a prop", n)
	}
	want(t, without.one(t, "AWS::ApiGateway::Stage", "IngestionApiDeploymentStagev1"), map[string]string{
		"MethodSettings.0.ThrottlingRateLimit": "50", "MethodSettings.0.ThrottlingBurstLimit": "100",
	})
}

// TestNoCORS: the API is no business of a web page that happens to be open in a browser with credentials.
func TestNoCORS(t *testing.T) {
	tpl := minimal(t)
	for id, m := range tpl.ofType("AWS::ApiGateway::Method") {
		if m.Properties["HttpMethod"] == "OPTIONS" {
			t.Errorf("%s answers preflights", id)
		}
	}
	for id, r := range tpl.Resources {
		if strings.HasPrefix(r.Type, "AWS::ApiGateway::") && strings.Contains(fmt.Sprint(r.Properties), "Access-Control-") {
			t.Errorf("%s has CORS headers", id)
		}
	}
}

func TestFaultsOfAccess(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(awscdk.Stack, *ingestion.ReplayableIngestionProps)
		want   []string
	}{
		{"scopes without Cognito", func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) { p.ApiReplayScopes = jsii.Strings("a/b") },
			[]string{"ApiReplayScopes needs an ApiAuthorizer of Cognito user pools, got authorization by IAM"}},
		{"scopes of a function", func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
			p.ApiAuthorizer, p.ApiHistoryScopes = lambdaAuthorizer(s), jsii.Strings("")
		}, []string{"ApiHistoryScopes needs an ApiAuthorizer of Cognito", "ApiHistoryScopes[0] must be a scope"}},
		{"empty lists", func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
			p.ApiAuthorizer, p.ApiReplayScopes, p.ApiVpcEndpoints = cognito(s), &[]*string{}, &[]awsec2.IVpcEndpoint{}
		}, []string{"ApiReplayScopes must have one scope or more", "ApiVpcEndpoints must have one endpoint or more"}},
		{"a web ACL of CloudFront, and numbers", func(s awscdk.Stack, p *ingestion.ReplayableIngestionProps) {
			p.ApiWebAclArn = jsii.String("arn:aws:wafv2:us-east-1:123456789012:global/webacl/front/x")
			p.ApiRateLimit, p.ApiBurstLimit = jsii.Number(0), jsii.Number(1.5)
		}, []string{"ApiWebAclArn must be the ARN of a regional WAFv2 web ACL", "ApiRateLimit must be a number from 1 to 100000, got 0", "ApiBurstLimit must be a whole number from 1 to 100000, got 1.5"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stack := newStack(t)
			props := valid(stack)
			tt.change(stack, props)
			faultsAre(t, panics(func() { newIngestion(stack, props) }), tt.want...)
		})
	}
}
