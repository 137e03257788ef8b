package faultproxy

import (
	"net/http"
	"net/url"
	"strings"
)

// Operation is what a request asks a service to do.
type Operation struct {
	Service string // as in the scope of the signature: dynamodb, s3, sns, sqs, ssm, states
	Name    string // such as PutItem; the HTTP method if the request is unknown
}

func (o Operation) String() string { return o.Service + ":" + o.Name }

// targets are the services of the X-Amz-Target header, which the JSON protocols use.
var targets = map[string]string{
	"DynamoDB_20120810": "dynamodb",
	"AmazonSQS":         "sqs",
	"AWSStepFunctions":  "states",
	"AmazonSSM":         "ssm",
}

func classify(r *http.Request, body []byte) Operation {
	if target, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		service, known := targets[target]
		if !known {
			service = scope(r)
		}
		return Operation{service, name}
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if form, err := url.ParseQuery(string(body)); err == nil && form.Get("Action") != "" {
			return Operation{scope(r), form.Get("Action")}
		}
	}
	if scope(r) == "s3" {
		return Operation{"s3", s3Operation(r)}
	}
	return Operation{scope(r), r.Method}
}

// scope is the service that a request is signed for.
func scope(r *http.Request) string {
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	credential, _, _ = strings.Cut(credential, ",")
	parts := strings.Split(credential, "/") // key, day, Region, service, aws4_request
	if len(parts) != 5 {
		return "unknown"
	}
	return parts[3]
}

// s3Operation returns the S3 operation of a request, which does not name it.
func s3Operation(r *http.Request) string {
	query := r.URL.Query()
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case key == "" && query.Has("versions"):
		return "ListObjectVersions"
	case key == "" && query.Get("list-type") == "2":
		return "ListObjectsV2"
	case key == "":
		return r.Method + "Bucket"
	case r.Method == http.MethodPut:
		return "PutObject"
	case r.Method == http.MethodGet:
		return "GetObject"
	case r.Method == http.MethodHead:
		return "HeadObject"
	}
	return r.Method + "Object"
}
