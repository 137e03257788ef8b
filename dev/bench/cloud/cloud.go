// Package cloud serves internal/awstest over HTTP, as DynamoDB, S3, Step Functions and SQS do. It also accepts messages
// to SNS. The functions' own AWS clients talk to it, so measurements include their requests, their connections and the
// reading of their answers.
//
// It counts calls, and simulates delays and quotas.
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
	"github.com/ce873799/replayable-ingestion/internal/simtest"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// Region is the Region of the clients.
const Region = "us-east-1"

// Options configure a Cloud. The zero value is empty, answers at once and has no quotas.
type Options struct {
	Table  ledger.Client // nil: an awstest.Table
	Bucket eventlog.API  // nil: an awstest.Bucket

	// Delay is how long a call takes, such as of s3.PutObject. Nil: no time. With Quotas, Transaction is for how long a
	// transaction of DynamoDB holds its items.
	Delay func(call string) time.Duration
	// Quotas plays those of an account in most Regions: calls of Step Functions are throttled, transactions of DynamoDB that
	// overlap are cancelled, and so is what is too much for one key.
	Quotas bool
}

// Cloud is a server that answers AWS requests.
type Cloud struct {
	simtest.Account
	Table *awstest.Table // nil if Options brought another

	opts   Options
	server *httptest.Server
	states sfn.API
	queues sqs.API
	quotas *awstest.Quotas // nil: none

	contended *awstest.Contended // nil: none
	stored    atomic.Int64       // bytes of objects
	mu        sync.Mutex
	calls     map[string]int
}

// Stored is how many bytes were put into the bucket.
func (c *Cloud) Stored() int64 { return c.stored.Load() }

// Start starts a Cloud on a port of the loopback interface.
func Start(opts Options) *Cloud {
	c := &Cloud{Account: simtest.NewAccount(), opts: opts, calls: map[string]int{}}
	c.states, c.queues = c.States(), c.Queues()
	c.Replays.Now, c.Dead.Now = time.Now, time.Now
	if opts.Table == nil {
		c.Table = awstest.NewTable()
		c.opts.Table = c.Table
		if opts.Quotas {
			c.contended = awstest.NewContended(c.Table, 0, func() time.Duration { return c.delay(Transaction) })
			c.opts.Table = c.contended
		}
	}
	if opts.Quotas {
		c.quotas = awstest.NewQuotas(c.states, time.Now)
		c.quotas.Start.Size = c.quotas.Start.PerSecond // the whole bucket would hide the refill for seconds
		c.states = c.quotas
	}
	if opts.Bucket == nil {
		c.opts.Bucket = awstest.NewBucket()
	}
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

// Transaction is a call for Options.Delay.
const Transaction = "dynamodb.Transaction"

// Starts returns how many executions were started, and how many were throttled. It needs Quotas.
func (c *Cloud) Starts() (started, throttled int) { return c.quotas.Start.Counts() }

// Cancelled is how many transactions were cancelled because they overlapped with another. It needs Quotas.
func (c *Cloud) Cancelled() int { return c.contended.Conflicts() }

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
	time.Sleep(c.delay(call))
}

func (c *Cloud) delay(call string) time.Duration {
	if c.opts.Delay == nil {
		return 0
	}
	return c.opts.Delay(call)
}
