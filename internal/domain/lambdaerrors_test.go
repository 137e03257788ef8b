package domain

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/aws/aws-sdk-go-v2/service/lambda/types" // the module whose source is read
)

// lasting are the exceptions of Lambda's API after which the same call fails again, or that Invoke does not answer.
var lasting = []string{
	"AliasLimitExceededException", "CallbackTimeoutException", "CapacityProviderLimitExceededException",
	"CodeArtifactUserDeletedException", "CodeArtifactUserFailedException", "CodeArtifactUserPendingException",
	"CodeSigningConfigNotFoundException", "CodeStorageExceededException", "CodeVerificationFailedException",
	"DurableExecutionAlreadyStartedException", "EC2AccessDeniedException", "EFSMountFailureException",
	"FunctionVersionsPerCapacityProviderLimitExceededException", "InvalidCodeSignatureException",
	"InvalidParameterValueException", "InvalidRequestContentException", "InvalidRuntimeException",
	"InvalidSecurityGroupIDException", "InvalidSubnetIDException", "InvalidZipFileException", "KMSAccessDeniedException",
	"KMSDisabledException", "KMSInvalidStateException", "KMSNotFoundException", "ModeNotSupportedException",
	"NoPublishedVersionException", "PolicyLengthExceededException", "PreconditionFailedException",
	"ProvisionedConcurrencyConfigNotFoundException", "PublicPolicyException", "RecursiveInvocationException",
	"RequestTooLargeException", "ResourceInUseException", "ResourceNotFoundException", "S3FilesMountFailureException",
	"SerializedRequestEntityTooLargeException", "ServiceQuotaExceededException", "SnapStartException",
	"SnapStartRegenerationFailureException", "UnsupportedMediaTypeException",
}

// A new version of the SDK that knows a new exception fails this test: put it into one of the lists.
func TestEveryExceptionOfLambdaIsKnown(t *testing.T) {
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/lambda/types").Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "errors.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	passing := LambdaErrors()
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok {
			found = append(found, spec.Name.Name)
			pass, last := slices.Contains(passing, "Lambda."+spec.Name.Name), slices.Contains(lasting, spec.Name.Name)
			if pass == last {
				t.Errorf("%s: passing %t, lasting %t; want one of them", spec.Name.Name, pass, last)
			}
		}
		return true
	})
	for _, name := range lasting {
		if !slices.Contains(found, name) {
			t.Errorf("the SDK has no %s", name)
		}
	}
	// Step Functions and its older integrations have these beside.
	own := []string{
		"Lambda.AWSLambdaException", "Lambda.SdkClientException", "Lambda.ClientExecutionTimeoutException", "Lambda.Unknown",
		"Sandbox.Timedout", "Runtime.ExitError",
	}
	for _, name := range passing {
		if !slices.Contains(own, name) && !slices.Contains(found, strings.TrimPrefix(name, "Lambda.")) {
			t.Errorf("the SDK has no %s", name)
		}
	}
}
