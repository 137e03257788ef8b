package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// unsigned returns API Gateway's message for an invalid signature, or an empty string if it is valid.
func (g *Gateway) unsigned(r *http.Request, body []byte) (kind, detail string) {
	authorization := r.Header.Get("Authorization")
	if authorization == "" {
		return "MissingAuthenticationTokenException", "Missing Authentication Token"
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return "IncompleteSignatureException", "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
	}
	if off := g.now().Sub(at).Abs(); off > 5*time.Minute {
		return "InvalidSignatureException", "Signature expired: " + r.Header.Get("X-Amz-Date") + " is now earlier than the limit"
	}
	if !strings.Contains(authorization, "Credential="+AccessKey+"/") {
		return "UnrecognizedClientException", "The security token included in the request is invalid."
	}
	if !strings.Contains(authorization, "/"+Region+"/execute-api/") {
		return "InvalidSignatureException", "Credential should be scoped to a valid region."
	}
	again := httptest.NewRequest(r.Method, "http://"+r.Host+r.URL.RequestURI(), nil)
	again.ContentLength = r.ContentLength
	_, signed, _ := strings.Cut(authorization, "SignedHeaders=")
	signed, _, _ = strings.Cut(signed, ",")
	for _, name := range strings.Split(signed, ";") {
		if values := r.Header.Values(name); len(values) > 0 && name != "x-amz-date" && name != "content-length" {
			again.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	sum := sha256.Sum256(body)
	creds := aws.Credentials{AccessKeyID: AccessKey, SecretAccessKey: SecretKey, SessionToken: r.Header.Get("X-Amz-Security-Token")}
	if err := v4.NewSigner().SignHTTP(r.Context(), creds, again, hex.EncodeToString(sum[:]), "execute-api", Region, at); err != nil {
		return "IncompleteSignatureException", err.Error()
	}
	if again.Header.Get("Authorization") != authorization {
		return "InvalidSignatureException", "The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method."
	}
	return "", ""
}
