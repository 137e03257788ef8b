package doctor

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/ce873799/replayable-ingestion/replay/client"
)

// identity says who is asking, and whether that is in the account of the ingestion.
func (e *exam) identity(ctx context.Context, v *verdict) {
	who, err := e.tokens.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		if is(err, "InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException", "RequestExpired") {
			v.fails("log in again, or choose another --profile", "AWS does not accept the credentials: %s", short(err))
			return
		}
		e.cannot(v, "who you are", "sts:GetCallerIdentity", err)
		return
	}
	account := aws.ToString(who.Account)
	v.says("%s, account %s", aws.ToString(who.Arn), account)
	if want := e.arn().AccountID; want != "" && account != want {
		v.fails("choose a --profile of account "+want, "the ingestion is in account %s", want)
	}
}

func (e *exam) region(_ context.Context, v *verdict) {
	v.says("the ingestion is in %s", e.at.Region)
	if got := e.AWS.Region; got != e.at.Region {
		v.warns("--region "+e.at.Region, "the configured Region is %s", got)
	}
}

// stack says whether CloudFormation is through with the stack.
func (e *exam) stack(ctx context.Context, v *verdict) {
	out, err := e.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &e.at.Stack})
	if err != nil || len(out.Stacks) == 0 {
		if is(err, "ValidationError") || err == nil {
			v.fails("deploy it: `cdk deploy "+e.at.Stack+"`", "stack %s does not exist", e.at.Stack)
			return
		}
		e.cannot(v, "stack "+e.at.Stack, "cloudformation:DescribeStacks", err)
		return
	}
	switch status := string(out.Stacks[0].StackStatus); status {
	case "CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
		v.says("%s is %s", e.at.Stack, status)
	case "CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "IMPORT_IN_PROGRESS":
		v.warns("wait until it is through, and look again", "%s is %s", e.at.Stack, status)
	case "UPDATE_ROLLBACK_COMPLETE":
		v.warns("the last deployment was undone: `aws cloudformation describe-stack-events --stack-name "+e.at.Stack+"` says why",
			"%s is %s", e.at.Stack, status)
	default:
		v.fails("`aws cloudformation describe-stack-events --stack-name "+e.at.Stack+"` says why", "%s is %s", e.at.Stack, status)
	}
}

// Clock compares this machine's clock with the API's. It is a transport of calls.
type Clock struct {
	Base http.RoundTripper // nil: the default one
	Now  func() time.Time

	mu   sync.Mutex
	skew time.Duration
	seen bool
}

// RoundTrip notes the time at which an answer says that it was made.
func (c *Clock) RoundTrip(r *http.Request) (*http.Response, error) {
	base := c.Base
	if base == nil {
		base = http.DefaultTransport
	}
	began := c.Now()
	resp, err := base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	ended := c.Now()
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		// The header has whole seconds, and was made some time during the call.
		c.skew, c.seen = began.Add(ended.Sub(began)/2).Sub(date.Add(time.Second/2)), true
	}
	return resp, nil
}

// AWS refuses signatures that are more than 5 minutes off.
const (
	maxSkew  = 5 * time.Minute
	warnSkew = time.Minute
)

// clock asks once, so that it need not wait for the other checks.
func (e *exam) clock(ctx context.Context, v *verdict) {
	for _, err := range e.API.WithPageSize(1).Replays.List(ctx, "") {
		var no *client.UnreachableError
		if errors.As(err, &no) {
			break
		}
	}
	e.Clock.mu.Lock()
	defer e.Clock.mu.Unlock()
	if !e.Clock.seen {
		v.add(Unknown, "", "no answer of the API has a date")
		return
	}
	off := e.Clock.skew.Abs().Round(time.Second)
	switch {
	case off > maxSkew:
		v.fails("set this machine's clock, or have NTP do it", "this machine's clock is off by %s, and AWS refuses signatures that are more than 5 minutes off", off)
	case off > warnSkew:
		v.warns("set this machine's clock, or have NTP do it", "this machine's clock is off by %s", off)
	default:
		v.says("this machine's clock is right within %s", max(off, time.Second))
	}
}
