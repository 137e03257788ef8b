package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ce873799/replayable-ingestion/replay"
)

// The request contexts are shaped as API Gateway sends them (API Gateway Developer Guide, "Input format of a Lambda
// function for proxy integration").
func TestCallerIsWhoTheAuthorizerNames(t *testing.T) {
	for _, tt := range []struct{ name, context, want string }{
		{"a role", `{"identity":{"accountId":"123456789012","caller":"AROAEXAMPLE:ada","userArn":"arn:aws:sts::123456789012:assumed-role/oncall/ada",
			"user":"AROAEXAMPLE:ada","sourceIp":"192.0.2.1"}}`, "arn:aws:sts::123456789012:assumed-role/oncall/ada"},
		{"an ID token of Cognito", `{"identity":{"sourceIp":"192.0.2.1"},"authorizer":{"claims":{"sub":"5a3c","email_verified":"true",
			"iss":"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a","cognito:username":"ada","aud":"client","token_use":"id","email":"ada@example.com"}}}`,
			"ada@example.com (5a3c)"},
		{"an access token of Cognito", `{"authorizer":{"claims":{"sub":"5a3c","client_id":"client","token_use":"access","scope":"replays/write","username":"ada"}}}`,
			"ada (5a3c)"},
		{"a program with client credentials", `{"authorizer":{"claims":{"sub":"client","client_id":"client","token_use":"access","scope":"replays/write"}}}`,
			"client"},
		{"a user whose name is his subject", `{"authorizer":{"claims":{"sub":"5a3c","cognito:username":"5a3c"}}}`, "5a3c"},
		{"claims without a subject", `{"authorizer":{"claims":{"email":"ada@example.com"}}}`, "ada@example.com"},
		{"claims without anything", `{"authorizer":{"claims":{}}}`, "unknown"},
		{"a Lambda authorizer", `{"authorizer":{"principalId":"user|a1b2c3","integrationLatency":12,"team":"listings"}}`, "user|a1b2c3"},
		{"a Lambda authorizer that plays Cognito", `{"authorizer":{"principalId":"mallory","claims":"{\"email\":\"ada@example.com\"}"}}`, "mallory"},
		{"a Lambda authorizer that names nobody", `{"authorizer":{"team":"listings"}}`, "unknown"},
		{"nobody", `{"identity":{"sourceIp":"192.0.2.1"}}`, "unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var req events.APIGatewayProxyRequest
			if err := json.Unmarshal([]byte(`{"requestContext":`+tt.context+`}`), &req); err != nil {
				t.Fatal(err)
			}
			if got := caller(req); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestLongNamesOfCallersAreShortened(t *testing.T) {
	req := request{RequestContext: events.APIGatewayProxyRequestContext{Authorizer: map[string]any{"principalId": strings.Repeat("a", 5_000)}}}
	if got := caller(req); len(got) > 1_000 || !strings.HasSuffix(got, "…") {
		t.Errorf("got %d bytes", len(got))
	}
}

// Who asked is in the row of the replay and in every answer about it, whatever the authorizer.
func TestWhoAskedIsKept(t *testing.T) {
	b := newBackend(t)
	req := routed("POST", "/replays", "")
	req.Body = valid
	req.RequestContext.Authorizer = map[string]any{"claims": map[string]any{"sub": "5a3c", "email": "ada@example.com"}}
	var accepted replay.Accepted
	if err := json.Unmarshal([]byte(b.ask(t, req).Body), &accepted); err != nil {
		t.Fatal(err)
	}
	var got replay.Replay
	if err := json.Unmarshal([]byte(b.ask(t, routed("GET", "/replays/"+accepted.ReplayID, "")).Body), &got); err != nil {
		t.Fatal(err)
	}
	if got.RequestedBy != "ada@example.com (5a3c)" {
		t.Errorf("got %q", got.RequestedBy)
	}
}
