package lambdahost

import (
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// environ is the environment of a process: what Lambda sets, dummy credentials, then the function's own variables.
// Nothing is taken from this process's environment, so it has no real credentials.
func (f *function) environ(runtimeAPI string) []string {
	vars := map[string]string{
		"AWS_LAMBDA_RUNTIME_API":          runtimeAPI,
		"AWS_LAMBDA_FUNCTION_NAME":        f.FunctionName,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       f.LogGroup,
		"AWS_LAMBDA_LOG_STREAM_NAME":      time.Now().UTC().Format("2006/01/02/[$LATEST]") + newRequestID(),
		"AWS_REGION":                      f.opts.Region,
		"AWS_DEFAULT_REGION":              f.opts.Region,
		"AWS_ACCESS_KEY_ID":               f.Name, // tells a proxy which function calls; the emulator accepts any key
		"AWS_SECRET_ACCESS_KEY":           "test",
		"AWS_XRAY_CONTEXT_MISSING":        "LOG_ERROR",
		"_HANDLER":                        f.Handler,
		"LAMBDA_TASK_ROOT":                filepath.Dir(f.Bootstrap),
		"LANG":                            "en_US.UTF-8",
		"PATH":                            os.Getenv("PATH"),
		"TZ":                              ":UTC",
	}
	if f.opts.EndpointURL != "" {
		vars["AWS_ENDPOINT_URL"] = f.opts.EndpointURL
	}
	for k, v := range f.Env {
		vars[k] = v
	}
	var env []string
	for k, v := range vars {
		env = append(env, k+"="+v)
	}
	return env
}
