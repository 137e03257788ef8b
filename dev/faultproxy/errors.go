package faultproxy

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// refusal is an error in the form that a service sends.
type refusal struct {
	status int
	code   string
}

// The errors of each service, as its API reference lists them. Services that are not listed answer in JSON with the
// common errors of AWS.
var (
	serviceErrors = map[string][]refusal{
		"dynamodb": {{500, "InternalServerError"}, {503, "ServiceUnavailable"}},
		"s3":       {{500, "InternalError"}, {503, "ServiceUnavailable"}},
		"sns":      {{500, "InternalError"}, {503, "ServiceUnavailable"}},
		"ssm":      {{500, "InternalServerError"}, {503, "ServiceUnavailable"}},
		"":         {{500, "InternalFailure"}, {503, "ServiceUnavailable"}},
	}
	throttles = map[string]refusal{
		"dynamodb": {400, "ProvisionedThroughputExceededException"},
		"s3":       {503, "SlowDown"},
		"sns":      {400, "Throttling"},
		"sqs":      {403, "RequestThrottled"},
		"":         {400, "ThrottlingException"},
	}
	// namespaces qualify the type of an error in JSON.
	namespaces = map[string]string{
		"dynamodb": "com.amazonaws.dynamodb.v20120810#",
		"sqs":      "com.amazonaws.sqs#",
		"states":   "com.amazonaws.swf.service.v2.model#",
	}
)

func (o Operation) serviceError(w http.ResponseWriter, share float64) {
	errs, ok := serviceErrors[o.Service]
	if !ok {
		errs = serviceErrors[""]
	}
	o.refuse(w, errs[min(int(share*float64(len(errs))), len(errs)-1)], "The service cannot answer now.")
}

func (o Operation) throttle(w http.ResponseWriter) {
	t, ok := throttles[o.Service]
	if !ok {
		t = throttles[""]
	}
	o.refuse(w, t, "Rate exceeded")
}

// requestID is what AWS puts into every answer.
const requestID = "7a62c49f-347e-4fc4-9331-6e8e7a96aa73"

func (o Operation) refuse(w http.ResponseWriter, e refusal, message string) {
	h := w.Header()
	body, fault := "", "Receiver"
	if e.status < 500 {
		fault = "Sender"
	}
	switch o.Service {
	case "s3":
		h.Set("Content-Type", "application/xml")
		h.Set("x-amz-request-id", requestID)
		body = fmt.Sprintf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message>"+
			"<RequestId>%s</RequestId></Error>", e.code, message, requestID)
		if o.Name == "HeadObject" {
			body = "" // a HEAD answer has none: the client sees only the status
		}
	case "sns":
		h.Set("Content-Type", "text/xml")
		h.Set("x-amzn-RequestId", requestID)
		body = fmt.Sprintf("<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>%s</Type>"+
			"<Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>",
			fault, e.code, message, requestID)
	default:
		h.Set("Content-Type", "application/x-amz-json-1.0")
		h.Set("x-amzn-RequestId", requestID)
		if o.Service == "sqs" { // for clients that use the codes of its former protocol
			h.Set("x-amzn-query-error", e.code+";"+fault)
		}
		b, err := json.Marshal(map[string]string{"__type": namespaces[o.Service] + e.code, "message": message})
		if err != nil {
			panic(err) // strings always marshal
		}
		body = string(b)
	}
	w.WriteHeader(e.status)
	_, _ = fmt.Fprint(w, body) // this fails only if the client has disconnected
}
