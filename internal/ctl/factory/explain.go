package factory

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/flagname"
	"github.com/ce873799/replayable-ingestion/internal/ctl/stack"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// Explain says how an error ends the command, and what to do about it.
func (f *Factory) Explain(err error) *exit.Error {
	var known *exit.Error
	if errors.As(err, &known) {
		return known
	}
	e := &exit.Error{Code: exit.General, Err: err}
	var (
		several     *stack.SeveralError
		creds       *client.CredentialsError
		refused     *client.RefusedError
		unreachable *client.UnreachableError
		profile     config.SharedConfigProfileNotExistError
		region      *aws.MissingRegionError
		service     smithy.APIError
	)
	switch {
	case errors.Is(err, exit.ErrInterrupted):
		e.Code = exit.Interrupted
	case errors.As(err, &several):
		e.Code, e.Do = exit.Usage, []string{"name one with --stack and, if its stack has several, --ingestion:"}
		for _, i := range several.Found {
			e.Do = append(e.Do, fmt.Sprintf("  --stack %s --ingestion %s", i.Stack, i.Path))
		}
	case errors.Is(err, stack.ErrNone):
		e.Code = exit.Refused
		e.Do = []string{
			"looked in " + f.where(),
			"another account: --profile; another Region: --region; the emulator of replaydev or `make local`: --local",
			"a stack deployed before replayctl existed has no manifest: deploy it again, or name its API with --api-url",
		}
	case errors.As(err, &creds):
		e.Code, e.Do = exit.Refused, f.loginHints(err)
	case errors.As(err, &profile):
		e.Code, e.Do = exit.Usage, []string{"`aws configure list-profiles` lists the profiles there are"}
	case errors.As(err, &region):
		e.Code, e.Err = exit.Usage, errors.New("no AWS Region is set")
		e.Do = []string{"set one: --region, AWS_REGION, or region in the profile; for the emulator of replaydev or `make local`: --local"}
	case errors.As(err, &refused):
		f.explainRefusal(e, refused)
	case errors.As(err, &unreachable):
		e.Code = exit.Unreachable
		e.Do = []string{"is the network up, and is the URL right? `--refresh` looks the API up again"}
		if f.flags.local != "" {
			e.Err, e.Do = f.nothingRuns(), localHints
		}
	case errors.As(err, &service):
		f.explainAWS(e, service)
	case errors.Is(err, fs.ErrNotExist) && f.flags.local != "":
		e.Code, e.Do = exit.Usage, append(localHints, "--local=FILE names another file")
	default:
		var sending *smithy.OperationError
		if errors.As(err, &sending) { // no answer: one would be a smithy.APIError
			e.Code, e.Do = exit.Unreachable, []string{"is the network up, and is the Region right? --region, AWS_REGION"}
			if f.flags.local != "" {
				e.Err, e.Do = f.nothingRuns(), localHints
			}
		}
	}
	return e
}

// localHints say how to start what --local names: the file does not say which program wrote it.
var localHints = []string{"replaydev, in the directory of your app, starts it and stays; in a checkout, `make local` does"}

// nothingRuns is the error of a local stack that does not respond.
func (f *Factory) nothingRuns() error {
	return fmt.Errorf("the local stack of %s does not respond: it has probably ended", f.localFile())
}

func (f *Factory) loginHints(err error) []string {
	profile := f.flags.profile
	if profile == "" {
		profile = f.Process.Env("AWS_PROFILE")
	}
	login := "aws sso login"
	if profile != "" {
		login += " --profile " + profile
	}
	var token *ssocreds.InvalidTokenError
	// Some of the SDK's errors about SSO have no type.
	if errors.As(err, &token) || strings.Contains(err.Error(), "SSO") {
		return []string{"the SSO session has expired: " + login}
	}
	return []string{
		"credentials are found as the AWS CLI finds them: --profile, AWS_PROFILE, AWS_ACCESS_KEY_ID, SSO, the instance's role",
		"with SSO, log in first: " + login,
	}
}

// errExpired stands for credentials that have expired.
var errExpired = errors.New("the SSO session or the temporary credentials have expired")

// maxSkew is what AWS accepts between its clock and that of a signature.
const maxSkew = 5 * time.Minute

func (f *Factory) explainRefusal(e *exit.Error, r *client.RefusedError) {
	e.Code = exit.Refused
	for _, fault := range r.Problem.Errors {
		if fault.Field == "transform" && f.Transform != "" {
			fault.Field = f.Transform // and not each flag that may change events
		}
		e.Do = append(e.Do, flagname.Of(fault))
	}
	if len(e.Do) == 1 { // it says more than that there is one
		e.Err, e.Do = fmt.Errorf("%s: %d: %s", r.Call, r.Status, e.Do[0]), nil
	}
	switch {
	case r.Status == http.StatusForbidden:
		e.Do = append(e.Do, f.forbidden(r)...)
	case r.Status == http.StatusTooManyRequests:
		e.Code, e.Do = exit.Unreachable, append(e.Do, "the API takes 50 requests per second from all callers together: try again later")
	case r.Status >= http.StatusInternalServerError:
		e.Code = exit.Unreachable
		if r.Problem.RequestID != "" {
			e.Do = append(e.Do, "request id "+r.Problem.RequestID+": look for it in the log of the ReplayHandler function")
		}
		e.Do = append(e.Do, "`replayctl doctor` says what is wrong with the ingestion")
	}
}

func (f *Factory) forbidden(r *client.RefusedError) []string {
	kind := strings.SplitN(r.Kind, ":", 2)[0]
	if skew := r.Skew.Abs(); skew > maxSkew {
		return []string{fmt.Sprintf("this machine's clock is off by %s: set it. AWS refuses signatures that are more than 5 minutes off", skew.Round(time.Second))}
	}
	switch kind {
	case "ExpiredTokenException":
		return f.loginHints(errExpired)
	case "UnrecognizedClientException", "InvalidSignatureException", "IncompleteSignatureException":
		return []string{
			"the API does not know these credentials, or the signature is for another Region: they signed for " + f.awsRegion,
			"right account? right --region? `aws sts get-caller-identity` says who you are",
		}
	case "MissingAuthenticationTokenException":
		return []string{"the API has no such path: is the URL right, with its stage? " + f.apiURL}
	}
	return []string{
		"the permission is missing: `GrantReplay` allows starting, reading and cancelling replays, `GrantReadHistory` reading versions and failures",
		"who is asking? `aws sts get-caller-identity`; for another role: --profile",
	}
}

func (f *Factory) explainAWS(e *exit.Error, service smithy.APIError) {
	e.Code = exit.Refused
	switch code := service.ErrorCode(); code {
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired":
		e.Do = f.loginHints(errExpired)
	case "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure":
		e.Do = []string{"AWS does not know these credentials, or this machine's clock is wrong", "`aws sts get-caller-identity` says who you are"}
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation":
		e.Do = []string{
			"to find the API, replayctl needs cloudformation:DescribeStacks",
			"it does without if you name the API: --api-url or REPLAYCTL_API_URL, and --region",
		}
	case "Throttling", "ThrottlingException", "RequestLimitExceeded":
		e.Code, e.Do = exit.Unreachable, []string{"try again later"}
	default:
		if service.ErrorFault() == smithy.FaultServer {
			e.Code, e.Do = exit.Unreachable, []string{"try again later"}
		}
	}
}
