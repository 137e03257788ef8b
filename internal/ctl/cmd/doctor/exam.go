package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/ctl/stack"
)

// exam is one look at an ingestion.
type exam struct {
	Patient
	at config.Manifest

	stacks    *cloudformation.Client
	metrics   *cloudwatch.Client
	tables    *dynamodb.Client
	events    *eventbridge.Client
	keys      *kms.Client
	functions *lambda.Client
	objects   *s3.Client
	schedules *scheduler.Client
	machines  *sfn.Client
	topics    *sns.Client
	queues    *sqs.Client
	tokens    *sts.Client

	mu       sync.Mutex
	keysUsed map[string]bool // customer keys that something is encrypted with
}

func newExam(p Patient) *exam {
	cfg := p.AWS.Copy()
	cfg.RetryMaxAttempts = 2
	if p.Ingestion.Region != "" {
		cfg.Region = p.Ingestion.Region
	}
	return &exam{
		Patient: p, at: p.Ingestion, keysUsed: map[string]bool{},
		stacks: cloudformation.NewFromConfig(cfg), metrics: cloudwatch.NewFromConfig(cfg), tables: dynamodb.NewFromConfig(cfg),
		events: eventbridge.NewFromConfig(cfg), keys: kms.NewFromConfig(cfg), functions: lambda.NewFromConfig(cfg),
		objects:   s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = cfg.BaseEndpoint != nil }),
		schedules: scheduler.NewFromConfig(cfg), machines: sfn.NewFromConfig(cfg), topics: sns.NewFromConfig(cfg),
		queues: sqs.NewFromConfig(cfg), tokens: sts.NewFromConfig(cfg),
	}
}

// checks are all of them, from the caller to what is told to whom. Of an API that was named by its URL alone, nothing
// else can be found.
func (e *exam) checks() []check {
	all := []check{one("caller.identity", e.identity), {"api", e.routes}, one("caller.clock", e.clock), one("paused", e.paused)}
	if e.at.StateMachineARN == "" {
		return append(all, one("manifest", func(_ context.Context, v *verdict) {
			v.add(Skipped, "name the stack instead of the API: --stack", "only the API's URL is known, so nothing else was looked at")
		}))
	}
	all = append(all, one("caller.region", e.region), one("stack", e.stack))
	all = append(all, e.machineChecks()...)
	for _, role := range slices.Sorted(maps.Keys(e.at.Functions)) {
		all = append(all, one("function."+role, func(ctx context.Context, v *verdict) { e.function(ctx, v, role) }))
	}
	all = append(all, e.ruleChecks()...)
	all = append(all, e.queueChecks()...)
	all = append(all, e.mappingChecks()...)
	all = append(all, one("schedule.enabled", e.schedule), one("schedule.runs", e.runs))
	all = append(all, e.logChecks()...)
	all = append(all, e.ledgerChecks()...)
	return append(all, one("topic", e.topic), check{"alarm", e.alarms})
}

// arn is that of the state machine: its partition, Region and account are those of every part.
func (e *exam) arn() arn.ARN {
	parsed, err := arn.Parse(e.at.StateMachineARN)
	if err != nil {
		return arn.ARN{Partition: "aws", Region: e.at.Region}
	}
	return parsed
}

// queueARN is made from a queue's URL: https://host/account/name.
func (e *exam) queueARN(url string) string {
	parts := strings.Split(url, "/")
	if len(parts) < 2 {
		return ""
	}
	a := e.arn()
	return fmt.Sprintf("arn:%s:sqs:%s:%s:%s", a.Partition, a.Region, parts[len(parts)-2], parts[len(parts)-1])
}

// usesKey notes a key, which is looked at later. Those that AWS manages cannot be switched off.
func (e *exam) usesKey(id *string) {
	if k := aws.ToString(id); k != "" && !strings.Contains(k, "alias/aws/") {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.keysUsed[k] = true
	}
}

// cannot says why something was not checked. It is never a pass: the part may be missing, or the caller may lack
// permission.
func (e *exam) cannot(v *verdict, what, action string, err error) {
	var api smithy.APIError
	var answer *awshttp.ResponseError
	status := 0
	if errors.As(err, &answer) {
		status = answer.HTTPStatusCode()
	}
	known := errors.As(err, &api)
	switch {
	case err == nil:
		v.add(Unknown, "", "%s: the answer does not say", what)
	case known && denied(api.ErrorCode(), status):
		v.add(Unknown, "allow "+action+", or ask someone who has the permission", "%s: access denied", what)
	case known && missing(api.ErrorCode()) || status == http.StatusNotFound:
		v.fails("was it removed outside of CloudFormation? `aws cloudformation detect-stack-drift --stack-name "+e.at.Stack+"` finds what else is",
			"%s is not there", what)
	case errors.Is(err, context.DeadlineExceeded):
		v.add(Unknown, "try again; is the network up?", "%s: no answer within %s", what, e.Timeout)
	default:
		v.add(Unknown, "", "%s: %s", what, short(err))
	}
}

func denied(code string, status int) bool {
	switch code {
	case "AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "NotAuthorized", "KMS.AccessDeniedException":
		return true
	}
	return status == http.StatusForbidden
}

func missing(code string) bool {
	switch code {
	case "ResourceNotFoundException", "NoSuchBucket", "NotFound", "NotFoundException", "StateMachineDoesNotExist",
		"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "TableNotFoundException":
		return true
	}
	return false
}

// is reports an error of AWS by its code.
func is(err error, codes ...string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains(codes, api.ErrorCode())
}

// short is an error without the SDK's preamble.
func short(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return strings.TrimSuffix(api.ErrorCode()+": "+api.ErrorMessage(), ": ")
	}
	var strange *smithy.DeserializationError
	if errors.As(err, &strange) || strings.Contains(strings.ToLower(err.Error()), "cbor") {
		return stack.NotOfAWS
	}
	var call *smithy.OperationError
	if errors.As(err, &call) {
		return call.Err.Error()
	}
	return err.Error()
}
