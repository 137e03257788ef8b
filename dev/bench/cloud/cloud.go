// Package cloud serves internal/awstest over HTTP, as DynamoDB, S3, Step Functions and SQS do. It also accepts messages
// to SNS. The functions' own AWS clients talk to it, so measurements include their requests, their connections and the
// reading of their answers.
//
// It counts calls, and simulates delays and a limit of started executions per second.
package cloud

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/simtest"
)

// Region is the Region of the clients.
const Region = "us-east-1"

// Options configure a Cloud. The zero value is empty, answers at once and does not limit starts.
type Options struct {
	Table  ledger.Client // nil: an awstest.Table
	Bucket eventlog.API  // nil: an awstest.Bucket

	// Delay is how long a call takes, such as of s3.PutObject. Nil: no time.
	Delay func(call string) time.Duration
	// StartsPerSecond is how many executions may be started; more are throttled. 0: any number.
	StartsPerSecond float64
}

// Cloud is a server that answers AWS requests.
type Cloud struct {
	simtest.Account
	Table *awstest.Table // nil if Options brought another

	opts   Options
	server *httptest.Server
	states sfn.API
	queues sqs.API
	rate   rate
	stored atomic.Int64 // bytes of objects
	mu     sync.Mutex
	calls  map[string]int
}

// Stored is how many bytes were put into the bucket.
func (c *Cloud) Stored() int64 { return c.stored.Load() }

// Start starts a Cloud on a port of the loopback interface.
func Start(opts Options) *Cloud {
	c := &Cloud{Account: simtest.NewAccount(), opts: opts, calls: map[string]int{}, rate: newRate(opts.StartsPerSecond)}
	c.states, c.queues = c.States(), c.Queues()
	c.Replays.Now, c.Dead.Now = time.Now, time.Now
	if opts.Table == nil {
		c.Table = awstest.NewTable()
		c.opts.Table = c.Table
	}
	if opts.Bucket == nil {
		c.opts.Bucket = awstest.NewBucket()
	}
	c.Machine.StartFault = func(string) (error, bool) { return c.rate.allow(), false }
	c.server = httptest.NewServer(http.HandlerFunc(c.serve))
	return c
}

// Stop ends it.
func (c *Cloud) Stop() { c.server.Close() }

// URL is its endpoint.
func (c *Cloud) URL() string { return c.server.URL }

// Config is the configuration of AWS clients for it. Each configuration has separate connections, as each instance of a
// function has.
func (c *Cloud) Config() aws.Config {
	return aws.Config{
		Region: Region, BaseEndpoint: aws.String(c.server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// Starts returns how many executions were started, and how many were throttled.
func (c *Cloud) Starts() (started, throttled int) {
	c.rate.mu.Lock()
	defer c.rate.mu.Unlock()
	return c.rate.allowed, c.rate.throttled
}

// Calls returns how often each call was made.
func (c *Cloud) Calls() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.calls)
}

func (c *Cloud) serve(w http.ResponseWriter, r *http.Request) {
	target, service := r.Header.Get("X-Amz-Target"), "s3"
	switch {
	case target != "":
		prefix, op, _ := strings.Cut(target, ".")
		service = map[string]string{"DynamoDB_20120810": "dynamodb", "AWSStepFunctions": "states", "AmazonSQS": "sqs"}[prefix]
		c.begin(service, op)
		c.serveJSON(w, r, service, op)
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		c.begin("sns", "Publish")
		c.serveSNS(w, r)
	default:
		op := s3Operation(r)
		c.begin(service, op)
		c.serveS3(w, r, op)
	}
}

// begin counts a call and takes its time.
func (c *Cloud) begin(service, op string) {
	call := service + "." + op
	c.mu.Lock()
	c.calls[call]++
	c.mu.Unlock()
	if c.opts.Delay == nil {
		return
	}
	if d := c.opts.Delay(call); d > 0 {
		time.Sleep(d)
	}
}
