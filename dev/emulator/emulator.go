// Package emulator runs MiniStack, the AWS emulator of the local runner, as a child process on a free port.
package emulator

import (
	"context"
	"embed" // launch.py and what it needs
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/middleware"

	"github.com/ce873799/replayable-ingestion/dev/proc"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
	"github.com/ce873799/replayable-ingestion/internal/aws/sdk"
)

// The emulator's only account, and the Region of all deployments.
const (
	Account = "000000000000"
	Region  = "us-east-1"
)

// Credentials for the emulator, which accepts any.
const (
	AccessKey = "test"
	SecretKey = "test"
)

// observerKey is the access key of observers. quotas.py knows it.
const observerKey = "observer"

const (
	startTimeout = 30 * time.Second
	// Another process may take the free port before it is used.
	startAttempts = 3
)

//go:embed *.py asl/*.py
var launcher embed.FS

// Quotas are those of an account in a Region: Step Functions has higher ones in its large Regions.
type Quotas string

const (
	// LargeRegionQuotas are the quotas of us-east-1, us-west-2 and eu-west-1.
	LargeRegionQuotas Quotas = "large"
	// OtherRegionQuotas are the quotas of every other Region.
	OtherRegionQuotas Quotas = "other"
	// NewAccountQuotas are those of every other Region, with the concurrency of Lambda that a new account has.
	NewAccountQuotas Quotas = "new"
)

// Concurrency is how many functions run at once: in an account, and in a new one. 0: any number.
func (q Quotas) Concurrency() int {
	switch q {
	case "":
		return 0
	case NewAccountQuotas:
		return 10
	default:
		return 1000
	}
}

// QuotasOfEnvironment are those that apply if the options have none.
func QuotasOfEnvironment() Quotas { return Quotas(os.Getenv(quotasVariable)) }

// quotasVariable sets Quotas if the options do not.
const quotasVariable = "EMULATOR_QUOTAS"

// Options say where the emulator may write, and what it simulates.
type Options struct {
	Tools  toolchain.Tools
	Dir    string // scratch files; removed by the caller
	LogDir string // gets emulator.log, and the output of functions that the emulator runs

	// Quotas limit calls and data.
	//
	// Default: the quotas in the environment variable EMULATOR_QUOTAS, else none.
	Quotas Quotas

	// TransactionTime is how long a DynamoDB transaction takes when quotas are simulated. Overlapping transactions are
	// rejected.
	//
	// Default: 10 ms.
	TransactionTime time.Duration
}

func (o Options) quotas() (env []string, err error) {
	if o.Quotas == "" {
		o.Quotas = QuotasOfEnvironment()
	}
	switch o.Quotas {
	case "", LargeRegionQuotas, OtherRegionQuotas, NewAccountQuotas:
	default:
		return nil, fmt.Errorf("quotas must be %q, %q or %q, got %q: set them, or %s, to one of these, or to nothing",
			LargeRegionQuotas, OtherRegionQuotas, NewAccountQuotas, o.Quotas, quotasVariable)
	}
	env = []string{quotasVariable + "=" + string(o.Quotas)}
	if o.TransactionTime > 0 {
		env = append(env, fmt.Sprintf("EMULATOR_TRANSACTION_SECONDS=%g", o.TransactionTime.Seconds()))
	}
	return env, nil
}

// Emulator is a running emulator.
type Emulator struct {
	process *proc.Process
	log     *os.File
	url     string
	types   string // the file of resource types
}

// Start starts an emulator and waits until it is healthy.
func Start(ctx context.Context, opts Options) (*Emulator, error) {
	var errs []error
	for range startAttempts {
		e, err := start(ctx, opts)
		if err == nil {
			return e, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("start the emulator: %w", errors.Join(errs...))
}

func start(ctx context.Context, opts Options) (*Emulator, error) {
	played, err := opts.quotas()
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	programs := filepath.Join(opts.Dir, fmt.Sprintf("launch-%d", port)) // each attempt has its own
	if err := os.CopyFS(programs, launcher); err != nil {
		return nil, err
	}
	script := filepath.Join(programs, "launch.py")
	log, err := os.OpenFile(filepath.Join(opts.LogDir, "emulator.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	e := &Emulator{log: log, url: "http://127.0.0.1:" + strconv.Itoa(port), types: filepath.Join(programs, "resource-types.json")}
	cmd := exec.Command(opts.Tools.Python, script) //nolint:gosec // the pinned interpreter and the script above
	cmd.Dir = opts.Dir
	cmd.Env = append(BareEnv(), "BIND_HOST=127.0.0.1", "GATEWAY_PORT="+strconv.Itoa(port), "IOT_MTLS_ENABLED=0",
		"AWS_ENDPOINT_URL="+e.url, "TMPDIR="+opts.Dir, "PYTHONDONTWRITEBYTECODE=1", "LOG_LEVEL=WARNING",
		"EMULATOR_FUNCTION_LOGS="+opts.LogDir, "EMULATOR_RESOURCE_TYPES="+e.types)
	cmd.Env = append(cmd.Env, played...)
	cmd.Stdout, cmd.Stderr = log, log
	e.process, err = proc.Start(cmd)
	if err != nil {
		_ = log.Close() // nothing was written
		return nil, err
	}
	if err := e.waitHealthy(ctx); err != nil {
		e.Stop()
		return nil, err
	}
	return e, nil
}

// BareEnv is an environment for child processes without AWS settings of the user: only what programs need to run.
func BareEnv() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "USER", "LANG", "TMPDIR", "GOPATH", "GOCACHE", "GOMODCACHE", "GOFLAGS",
		"GOPROXY", "GOSUMDB", "GOTOOLCHAIN", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY",
		"http_proxy", "https_proxy"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return append(env, "AWS_ACCESS_KEY_ID="+AccessKey, "AWS_SECRET_ACCESS_KEY="+SecretKey, "AWS_REGION="+Region,
		"AWS_DEFAULT_REGION="+Region, "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true", "NO_PROXY=127.0.0.1,localhost", "no_proxy=127.0.0.1,localhost")
}

func (e *Emulator) waitHealthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("not healthy: %w", ctx.Err())
		case <-e.process.Done():
			return fmt.Errorf("ended at once, see %s: %w", e.log.Name(), e.process.Err())
		case <-ticker.C:
		}
		if healthy(ctx, e.url) {
			return nil
		}
	}
}

func healthy(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/_ministack/health", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK
}

// URL is the endpoint of all services.
func (e *Emulator) URL() string { return e.url }

// ResourceTypes are the types of resources that its CloudFormation creates. It has stand-ins for others.
func (e *Emulator) ResourceTypes() (types []string, err error) {
	b, err := os.ReadFile(e.types)
	if err == nil {
		err = json.Unmarshal(b, &types)
	}
	if err != nil {
		return nil, fmt.Errorf("read the resource types of the emulator: %w", err)
	}
	return types, nil
}

// Done is closed when the emulator has ended, whether or not Stop was called.
func (e *Emulator) Done() <-chan struct{} { return e.process.Done() }

// Config is for the SDK's clients. S3 clients need path-style addressing, which the SDK uses with the loopback address.
func (e *Emulator) Config() aws.Config {
	return aws.Config{
		APIOptions:   []func(*middleware.Stack) error{sdk.PlainBodies},
		Region:       Region,
		BaseEndpoint: aws.String(e.url),
		Credentials:  credentials.NewStaticCredentialsProvider(AccessKey, SecretKey, ""),
	}
}

// ObserverConfig is for clients that only observe the account. Their calls do not count toward quotas.
func (e *Emulator) ObserverConfig() aws.Config {
	cfg := e.Config()
	cfg.Credentials = credentials.NewStaticCredentialsProvider(observerKey, SecretKey, "")
	return cfg
}

// Stop stops the emulator and waits until it has ended. All of its data is lost.
func (e *Emulator) Stop() {
	e.process.Stop(proc.Grace)
	_ = e.log.Close() // the emulator wrote it, not this process
}

func freePort() (int, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("no TCP port in %s", l.Addr())
	}
	return addr.Port, nil
}
