package operator

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/simtest"
)

// CloudFormation answers DescribeStacks as AWS does, in pages of one stack, and the calls of Step Functions that ingest
// makes.
type CloudFormation struct {
	stacks map[string][]config.Manifest
	order  []string

	machines sfn.API // the Step Functions client
	Refuse   string  // an error code to answer instead
	Asked    int
}

// Add adds a stack with ingestions.
func (c *CloudFormation) Add(stack string, all ...config.Manifest) {
	c.stacks[stack] = append([]config.Manifest{}, all...)
	c.order = append(c.order, stack)
}

// ServeHTTP answers a request.
func (c *CloudFormation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AWSStepFunctions.") {
		serveStates(w, r, c.machines)
		return
	}
	c.Asked++
	w.Header().Set("Content-Type", "text/xml")
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	names, next := c.order, ""
	if name := r.Form.Get("StackName"); name != "" {
		names = []string{name}
	} else if len(names) > 1 {
		at := 0
		_, _ = fmt.Sscan(r.Form.Get("NextToken"), &at)
		if at+1 < len(names) {
			next = fmt.Sprint(at + 1)
		}
		names = names[at : at+1]
	}
	code := c.Refuse
	if len(names) == 1 && c.stacks[names[0]] == nil {
		code = "ValidationError"
	}
	if code != "" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>says AWS</Message></Error></ErrorResponse>`, code)
		return
	}
	type output struct{ OutputKey, OutputValue string }
	type member struct {
		StackName string
		Outputs   []output `xml:"Outputs>member"`
	}
	var doc struct {
		XMLName   xml.Name `xml:"DescribeStacksResponse"`
		Stacks    []member `xml:"DescribeStacksResult>Stacks>member"`
		NextToken string   `xml:"DescribeStacksResult>NextToken,omitempty"`
	}
	doc.NextToken = next
	for _, name := range names {
		m := member{StackName: name, Outputs: []output{{"Other", "x"}}}
		for i, one := range c.stacks[name] {
			m.Outputs = append(m.Outputs, output{fmt.Sprint("Manifest", i), one.Encode()})
		}
		doc.Stacks = append(doc.Stacks, m)
	}
	b, err := xml.Marshal(doc)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(b)
}

// Account makes the world's ingestion visible in stacks.
func (w *World) Account() *CloudFormation {
	w.T.Helper()
	c := &CloudFormation{stacks: map[string][]config.Manifest{}, machines: w.Engine.States()}
	server := httptest.NewServer(c)
	w.T.Cleanup(server.Close)
	w.Process.Env = Environment(map[string]string{})
	w.Process.CacheDir = w.T.TempDir()
	w.Endpoint = " --endpoint-url " + server.URL
	return c
}

// In is the manifest of the world's ingestion as a construct of a stack.
func (w *World) In(stack, id string) config.Manifest {
	return config.Manifest{Stack: stack, Path: stack + "/" + id, Region: "us-east-1", APIURL: w.Gateway.URL + "/", StateMachineARN: simtest.MachineARN}
}

// Loaded applies the options from flags to the loaded configuration.
func Loaded(cfg aws.Config, options []func(*awsconfig.LoadOptions) error) (aws.Config, error) {
	var o awsconfig.LoadOptions
	for _, option := range options {
		if err := option(&o); err != nil {
			return cfg, err
		}
	}
	if o.Region != "" {
		cfg.Region = o.Region
	}
	if o.BaseEndpoint != "" {
		cfg.BaseEndpoint = &o.BaseEndpoint
	}
	return cfg, nil
}

// Environment looks variables up in a map.
func Environment(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

// Loading makes a test's credentials the ones that are found.
func (w *World) Loading(region string, provider aws.CredentialsProvider) {
	w.Process.LoadAWS = func(_ context.Context, options ...func(*awsconfig.LoadOptions) error) (aws.Config, error) {
		return Loaded(aws.Config{Region: region, Credentials: provider}, options)
	}
}
