package local

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/ce873799/replayable-ingestion/dev/emulator"
	"github.com/ce873799/replayable-ingestion/dev/lambdahost"
)

// proxyVariable makes the emulator send a function's events to a URL.
const proxyVariable = "MINISTACK_LAMBDA_PROXY_URL"

// functionProperties are the template's properties of a function.
type functionProperties struct {
	Runtime string
	Code    struct{ S3Key string }
}

// hostFunctions runs the deployed programs in the Lambda host and points the emulator at it. The emulator's own
// executor starts a process per event, delivers one event several times, and loses the output.
func (r *run) hostFunctions(ctx context.Context, d *deployed) error {
	if r.stack.Host == nil {
		endpoint, err := r.opts.functionEndpoint(r.stack.emulator.URL())
		if err != nil {
			return fmt.Errorf("endpoint of the functions: %w", err)
		}
		r.stack.Host, err = lambdahost.Start(lambdahost.Options{
			LogDir: r.stack.LogDir, EndpointURL: endpoint, Region: emulator.Region, Concurrency: emulator.QuotasOfEnvironment().Concurrency(),
		})
		if err != nil {
			return err
		}
	}
	client := lambda.NewFromConfig(r.stack.Config())
	functions := d.ofType("AWS::Lambda::Function")
	names := shortestNames(functions)
	for i, f := range functions {
		var p functionProperties
		if err := f.properties(&p); err != nil {
			return err
		}
		if !strings.HasPrefix(p.Runtime, "provided.") {
			continue // the emulator runs functions of other runtimes
		}
		name := names[i]
		if err := r.hostFunction(ctx, client, name, f, p.Code.S3Key); err != nil {
			return fmt.Errorf("host function %s: %w", name, err)
		}
		d.functions[name] = f.physicalID
	}
	return nil
}

// hostFunction hosts one function: the program of its own asset, with the deployed configuration.
func (r *run) hostFunction(ctx context.Context, client *lambda.Client, name string, f deployedResource, key string) error {
	bootstrap := filepath.Join(f.assets[key], "bootstrap")
	if err := runsHere(bootstrap); err != nil {
		return fmt.Errorf("asset %s: %w", key, err)
	}
	config, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &f.physicalID})
	if err != nil {
		return err
	}
	env := map[string]string{}
	if config.Environment != nil {
		maps.Copy(env, config.Environment.Variables)
		delete(env, proxyVariable) // of the previous deployment
	}
	maps.Copy(env, r.opts.Env[name])
	fn := lambdahost.Function{
		Name: name, FunctionName: f.physicalID, ARN: aws.ToString(config.FunctionArn), Bootstrap: bootstrap,
		Handler: aws.ToString(config.Handler), MemoryMB: int(aws.ToInt32(config.MemorySize)),
		Timeout:      time.Duration(aws.ToInt32(config.Timeout)) * time.Second,
		Env:          maps.Clone(env),
		MaxProcesses: r.opts.processes(),
	}
	if limit, ok := r.opts.Timeouts[name]; ok {
		fn.Timeout = limit
	}
	if config.LoggingConfig != nil {
		fn.LogGroup = aws.ToString(config.LoggingConfig.LogGroup)
	}
	if err := r.stack.Host.Put(fn); err != nil {
		return err
	}
	env[proxyVariable] = r.stack.Host.URL(name)
	_, err = client.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &f.physicalID, Environment: &lambdatypes.Environment{Variables: env},
	})
	return err
}
