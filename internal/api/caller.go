package api

import (
	"cmp"

	"github.com/ce873799/replayable-ingestion/replay"
)

// unknown is a caller about whom API Gateway says nothing.
const unknown = "unknown"

// caller returns who called, as API Gateway says: the ARN of a signed request, the name and the subject of a Cognito
// token, or the principal of a Lambda authorizer. A subject stays when the name changes.
//
// A Lambda authorizer may return a context with any keys, but only with strings, numbers and booleans: it cannot pass
// for a Cognito user.
func caller(req request) string {
	if arn := req.RequestContext.Identity.UserArn; arn != "" {
		return arn
	}
	authorizer := req.RequestContext.Authorizer
	if claims, ok := authorizer["claims"].(map[string]any); ok {
		claim := func(name string) string { s, _ := claims[name].(string); return s }
		// An ID token has an e-mail address, if the pool asks for one, and "cognito:username"; an access token has
		// "username", and "client_id", which is all there is if no person but a program has signed in.
		name := cmp.Or(claim("email"), claim("cognito:username"), claim("username"), claim("client_id"))
		switch sub := claim("sub"); {
		case name == "" || name == sub:
			return replay.Shorten(cmp.Or(sub, unknown))
		case sub == "":
			return replay.Shorten(name)
		default:
			return replay.Shorten(name) + " (" + replay.Shorten(sub) + ")"
		}
	}
	principal, _ := authorizer["principalId"].(string)
	return replay.Shorten(cmp.Or(principal, unknown))
}
