package ctl_test

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

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/test/gateway"
)

// loading has credentials found that a test chooses.
func (w *world) loading(region string, provider aws.CredentialsProvider) {
	w.process.LoadAWS = func(_ context.Context, options ...func(*config.LoadOptions) error) (aws.Config, error) {
		return loaded(aws.Config{Region: region, Credentials: provider}, options)
	}
}

// What goes wrong is told with what to do next, and by the exit code.
func TestErrorsSayWhatToDo(t *testing.T) {
	static := credentials.NewStaticCredentialsProvider
	answer := func(status int, kind, detail string) func(*world) {
		return func(w *world) {
			w.gateway.Before(func(rw http.ResponseWriter, _ *http.Request) bool {
				gateway.Refuse(rw, status, kind, detail)
				return true
			})
		}
	}
	for _, tt := range []struct {
		name string
		set  func(*world)
		line string
		code ctl.Code
		says []string
	}{
		{"not allowed", answer(403, "AccessDeniedException", "User: arn:aws:iam::1:user/bob is not authorized to perform: execute-api:Invoke"),
			"list", ctl.ExitRefused, []string{"bob is not authorized", "GrantReplay", "aws sts get-caller-identity"}},
		{"a token that has expired", answer(403, "ExpiredTokenException", "The security token included in the request is expired"),
			"list --profile oncall", ctl.ExitRefused, []string{"expired", "aws sso login --profile oncall"}},
		{"unknown credentials", func(w *world) { w.loading(gateway.Region, static("stranger", "x", "")) },
			"list", ctl.ExitRefused, []string{"does not know these credentials", "signed for us-east-1"}},
		{"a wrong secret", func(w *world) { w.loading(gateway.Region, static(gateway.AccessKey, "x", "")) },
			"list", ctl.ExitRefused, []string{"does not match the signature", "does not know these credentials"}},
		{"a wrong Region", nil, "list --region eu-west-1", ctl.ExitRefused, []string{"valid region", "signed for eu-west-1", "--region"}},
		{"a clock that is wrong", func(w *world) {
			w.process.Now = func() time.Time { return time.Now().Add(-8*time.Minute - 300*time.Millisecond) }
		},
			"list", ctl.ExitRefused, []string{"Signature expired", "this machine's clock is off by 8m"}},
		{"no such path", func(w *world) {
			w.process.Env = environment(map[string]string{"REPLAYCTL_API_URL": w.gateway.URL + "/v2"})
		},
			"list", ctl.ExitRefused, []string{"Missing Authentication Token", "is the URL right, with its stage?"}},
		{"throttled", answer(429, "TooManyRequestsException", "Too Many Requests"), "list", ctl.ExitUnreachable, []string{"50 requests a second"}},
		{"broken", answer(500, "", "the request failed: see the function's log for the request id"),
			"list", ctl.ExitUnreachable, []string{"request id request-1", "ReplayHandler", "replayctl doctor"}},
		{"an answer of something else", func(w *world) {
			w.gateway.Before(func(rw http.ResponseWriter, _ *http.Request) bool {
				_, _ = rw.Write([]byte("<html>captive portal</html>"))
				return true
			})
		}, "list", ctl.ExitUnreachable, []string{"not a replay API's JSON", "captive portal"}},
		{"nobody there", nil, "list --api-url http://127.0.0.1:1", ctl.ExitUnreachable, []string{"connection refused", "is the network up"}},
		{"no credentials", func(w *world) {
			w.loading(gateway.Region, aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{}, errors.New("no EC2 IMDS role found")
			}))
		}, "list", ctl.ExitRefused, []string{"no EC2 IMDS role found", "AWS_PROFILE", "aws sso login"}},
		{"an SSO session that has expired", func(w *world) {
			w.loading(gateway.Region, aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{}, &ssocreds.InvalidTokenError{Err: errors.New("access token is expired")}
			}))
		}, "list --profile oncall", ctl.ExitRefused, []string{"the SSO session has expired: aws sso login --profile oncall"}},
		{"no Region", func(w *world) { w.loading("", static("a", "b", "")) }, "list", ctl.ExitUsage, []string{"--region, AWS_REGION"}},
		{"a profile that does not exist", func(w *world) {
			file := filepath.Join(t.TempDir(), "config")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			w.process.LoadAWS = func(ctx context.Context, options ...func(*config.LoadOptions) error) (aws.Config, error) {
				files := []string{file}
				return config.LoadDefaultConfig(ctx, append(options, config.WithSharedConfigFiles(files), config.WithSharedCredentialsFiles(files))...)
			}
		}, "list --profile nobody", ctl.ExitUsage, []string{"nobody", "aws configure list-profiles"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			if tt.set != nil {
				tt.set(w)
			}
			w.run(tt.line).wants(t, tt.code, nil, tt.says)
		})
	}
}

// An answer may get lost, also that to a request that had its effect.
func TestRequestsAreSentAgainAndHaveOneEffect(t *testing.T) {
	w := newWorld(t)
	n := 0
	w.gateway.Before(func(rw http.ResponseWriter, r *http.Request) bool {
		if n++; n%3 == 0 {
			return false
		}
		if n%3 == 1 { // it arrives, its answer does not
			r.Header = r.Header.Clone()
			w.gateway.Apply(r)
		}
		gateway.Refuse(rw, http.StatusBadGateway, "", "Bad Gateway")
		return true
	})
	w.run("replay r1 --reason x").wants(t, ctl.ExitOK, []string{"01"}, nil)
	w.gateway.Before(nil)
	if all := w.replays(); len(all) != 1 {
		t.Errorf("got %d replays, want 1", len(all))
	}
}

func TestAnUnknownFateIsTold(t *testing.T) {
	w := newWorld(t)
	w.gateway.Before(func(rw http.ResponseWriter, _ *http.Request) bool {
		gateway.Refuse(rw, http.StatusBadGateway, "", "Bad Gateway")
		return true
	})
	w.run("replay r1 --reason x --idempotency-key k1").wants(t, ctl.ExitUnreachable, nil, []string{
		"it may have been accepted", "--idempotency-key k1 gets the same replay"})
	posts := 0
	for _, c := range w.gateway.Calls() {
		if c == "POST /replays" {
			posts++
		}
	}
	if posts != 5 {
		t.Errorf("asked %d times, want 5", posts)
	}
}

// Who waits for a replay is patient: the API may be away for a while.
func TestWaitingOutlivesAnAbsentAPI(t *testing.T) {
	w := newWorld(t)
	w.ingest("r1")
	w.engine.Report()
	down := 0
	w.gateway.Before(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			return false
		}
		if down++; down > 12 {
			return false
		}
		gateway.Refuse(rw, http.StatusServiceUnavailable, "", "Service Unavailable")
		return true
	})
	w.run("replay r1 --reason x --wait").wants(t, ctl.ExitOK, []string{"COMPLETED"}, []string{"no answer, still trying"})
}

// Ctrl-C is a context that ends: the signal itself is tried on a terminal.
func TestCtrlCDetaches(t *testing.T) {
	w := newWorld(t)
	w.ingest("r1")
	ctx, cancel := context.WithCancel(t.Context())
	w.process.Sleep = func(ctx context.Context, _ time.Duration) error { cancel(); <-ctx.Done(); return ctx.Err() }
	got := w.runIn(ctx, "replay", "r1", "--reason", "x", "--wait")
	w.process.Sleep = nil
	id := w.requested().ReplayID
	got.wants(t, ctl.ExitInterrupted, nil, []string{"detached", "come back with  replayctl status " + id + " --watch", "replayctl cancel " + id})
	w.engine.Pump()
	w.run("status "+id).wants(t, ctl.ExitOK, []string{"COMPLETED"}, nil)
}

// Nobody looks at the plan of a question that was not answered.
func TestCtrlCWhileCountingCancelsThePlan(t *testing.T) {
	w := newWorld(t)
	w.ingest("r1")
	ctx, cancel := context.WithCancel(t.Context())
	w.process.Sleep = func(ctx context.Context, _ time.Duration) error { cancel(); <-ctx.Done(); return ctx.Err() }
	w.runIn(ctx, "replay", "--owner", "o1", "--reason", "x").wants(t, ctl.ExitInterrupted, nil, []string{"nothing was started"})
	w.process.Sleep = nil
	if r := w.requested(); !r.DryRun || r.Status != "CANCELLED" {
		t.Errorf("got %+v, want the dry run cancelled", r.Summary)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	w.runIn(ctx, "list").wants(t, ctl.ExitInterrupted, nil, []string{"interrupted"})
}

func TestTextsOfOthersCannotSteerTheTerminal(t *testing.T) {
	w := newWorld(t)
	w.engine.Machine.Work = func(string, string) (string, string) { return "", "Bad\u202e" }
	w.ingest("r1")
	w.run("replay r1 --reason x --wait").wants(t, ctl.ExitFailures, nil, []string{`Bad\u202e`})
	evil := "r\x1b[2J\u202e1"
	for _, words := range [][]string{{"items", w.requested().ReplayID}, {"status", evil}, {"replay", evil, "--reason", "x"}, {evil}, {"list", "--" + evil}} {
		if got := w.runWords(words...); strings.ContainsAny(got.out+got.err, "\x1b\u202e") {
			t.Errorf("%q: got %q", words, got.out+got.err)
		}
	}
}
