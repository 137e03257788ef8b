package factory_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/gateway"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

// What goes wrong is told with what to do next, and by the exit code.
func TestErrorsSayWhatToDo(t *testing.T) {
	static := credentials.NewStaticCredentialsProvider
	answer := func(status int, kind, detail string) func(*operator.World) {
		return func(w *operator.World) {
			w.Gateway.Before(func(rw http.ResponseWriter, _ *http.Request) bool {
				gateway.Refuse(rw, status, kind, detail)
				return true
			})
		}
	}
	for _, tt := range []struct {
		name string
		set  func(*operator.World)
		line string
		code exit.Code
		says []string
	}{
		{"not allowed", answer(403, "AccessDeniedException", "User: arn:aws:iam::1:user/bob is not authorized to perform: execute-api:Invoke"),
			"list", exit.Refused, []string{"bob is not authorized", "GrantReplay", "aws sts get-caller-identity"}},
		{"a token that has expired", answer(403, "ExpiredTokenException", "The security token included in the request is expired"),
			"list --profile oncall", exit.Refused, []string{"expired", "aws sso login --profile oncall"}},
		{"unknown credentials", func(w *operator.World) { w.Loading(gateway.Region, static("stranger", "x", "")) },
			"list", exit.Refused, []string{"does not know these credentials", "signed for us-east-1"}},
		{"a wrong secret", func(w *operator.World) { w.Loading(gateway.Region, static(gateway.AccessKey, "x", "")) },
			"list", exit.Refused, []string{"does not match the signature", "does not know these credentials"}},
		{"a wrong Region", nil, "list --region eu-west-1", exit.Refused, []string{"valid region", "signed for eu-west-1", "--region"}},
		{"a clock that is wrong", func(w *operator.World) {
			w.Process.Now = func() time.Time { return time.Now().Add(-8*time.Minute - 30*time.Second) }
		},
			"list", exit.Refused, []string{"Signature expired", "this machine's clock is off by 8m"}},
		{"no such path", func(w *operator.World) {
			w.Process.Env = operator.Environment(map[string]string{"REPLAYCTL_API_URL": w.Gateway.URL + "/v2"})
		},
			"list", exit.Refused, []string{"Missing Authentication Token", "is the URL right, with its stage?"}},
		{"throttled", answer(429, "TooManyRequestsException", "Too Many Requests"), "list", exit.Unreachable, []string{"50 requests per second"}},
		{"broken", answer(500, "", "the request failed: see the function's log for the request id"),
			"list", exit.Unreachable, []string{"request id request-1", "ReplayHandler", "replayctl doctor"}},
		{"an answer of something else", func(w *operator.World) {
			w.Gateway.Before(func(rw http.ResponseWriter, _ *http.Request) bool {
				_, _ = rw.Write([]byte("<html>captive portal</html>"))
				return true
			})
		}, "list", exit.Unreachable, []string{"not a replay API's JSON", "captive portal"}},
		{"nobody there", nil, "list --api-url http://127.0.0.1:1", exit.Unreachable, []string{"connection refused", "is the network up"}},
		{"no credentials", func(w *operator.World) {
			w.Loading(gateway.Region, aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{}, errors.New("no EC2 IMDS role found")
			}))
		}, "list", exit.Refused, []string{"no EC2 IMDS role found", "AWS_PROFILE", "aws sso login"}},
		{"an SSO session that has expired", func(w *operator.World) {
			w.Loading(gateway.Region, aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{}, &ssocreds.InvalidTokenError{Err: errors.New("access token is expired")}
			}))
		}, "list --profile oncall", exit.Refused, []string{"the SSO session has expired: aws sso login --profile oncall"}},
		{"no Region", func(w *operator.World) { w.Loading("", static("a", "b", "")) }, "list", exit.Usage, []string{"--region, AWS_REGION"}},
		{"a profile that does not exist", func(w *operator.World) {
			file := filepath.Join(t.TempDir(), "config")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			w.Process.LoadAWS = func(ctx context.Context, options ...func(*config.LoadOptions) error) (aws.Config, error) {
				files := []string{file}
				return config.LoadDefaultConfig(ctx, append(options, config.WithSharedConfigFiles(files), config.WithSharedCredentialsFiles(files))...)
			}
		}, "list --profile nobody", exit.Usage, []string{"nobody", "aws configure list-profiles"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := operator.New(t)
			if tt.set != nil {
				tt.set(w)
			}
			w.Run(tt.line).Wants(t, tt.code, nil, tt.says)
		})
	}
}

func TestTextsOfOthersCannotSteerTheTerminal(t *testing.T) {
	w := operator.New(t)
	w.Engine.Machine.Work = func(string, string) (string, string) { return "", "Bad\u202e" }
	w.Ingest("r1")
	w.Run("replay r1 --reason x --wait").Wants(t, exit.Failures, nil, []string{`Bad\u202e`})
	evil := "r\x1b[2J\u202e1"
	for _, words := range [][]string{{"items", w.Requested().ReplayID}, {"status", evil}, {"replay", evil, "--reason", "x"}, {evil}, {"list", "--" + evil}} {
		if got := w.RunWords(words...); strings.ContainsAny(got.Out+got.Err, "\x1b\u202e") {
			t.Errorf("%q: got %q", words, got.Out+got.Err)
		}
	}
}
