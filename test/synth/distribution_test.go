package synth_test

import (
	"crypto/sha256"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// dependencies lists the packages that a pattern of packages is made of.
func dependencies(t *testing.T, pattern string) []string {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", pattern)
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list -deps %s: %v", pattern, err)
	}
	return strings.Fields(string(out))
}

const module = "github.com/ce873799/replayable-ingestion"

// TestImports keeps CDK out of the functions, whose cold starts it would ruin, the SDK out of the construct, whose users
// would have to resolve its versions, the operator's program out of both, and what only tests need out of everything.
func TestImports(t *testing.T) {
	cdk := []string{"github.com/aws/jsii-runtime-go", "github.com/aws/aws-cdk-go", "github.com/aws/constructs-go"}
	sdk := []string{"github.com/aws/aws-lambda-go", "github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go"}
	tests := []string{"github.com/getkin/kin-openapi", "golang.org/x/mod/zip", "pgregory.net/rapid"}
	cli := []string{"github.com/spf13/cobra", module + "/internal/ctl"}
	settings := "github.com/aws/aws-sdk-go-v2/config" // brings clients that no function calls
	for pattern, forbidden := range map[string][]string{
		"./lambdas/...":             append(append(cli, cdk...), settings),
		"./example/listings/enrich": append(cli, cdk...),
		"./cmd/...":                 append(cdk, "github.com/aws/aws-lambda-go"),
		"./internal/...":            cdk,
		"./replay":                  append(cdk, sdk...),
		"./replay/client":           append(cli, cdk...),
		"./constructs/...":          append(cli, sdk...),
		".":                         nil,
		"./dev/...":                 nil,
	} {
		for _, dep := range dependencies(t, pattern) {
			for _, f := range append(forbidden, tests...) {
				if strings.HasPrefix(dep, f) {
					t.Errorf("%s reaches %s", pattern, dep)
				}
			}
		}
	}
}

// TestEveryFunctionHasItsOwnBinary runs the app as the CLI does, and compiles for real.
func TestEveryFunctionHasItsOwnBinary(t *testing.T) {
	arch, machine := "arm64", elf.EM_AARCH64
	if runtime.GOARCH == "amd64" { // what the rest of the suite compiles too
		arch, machine = "x86_64", elf.EM_X86_64
	}
	dir := t.TempDir()
	cmd := exec.Command("go", "run", ".")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "CDK_OUTDIR="+dir, "CDK_CONTEXT_JSON="+contextJSON(t, map[string]any{
		"stage": "dev", "architecture": arch,
	}))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	built, err := filepath.Glob(filepath.Join(dir, "asset.*", "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	sums := map[[sha256.Size]byte]string{}
	for _, file := range built {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sums[sha256.Sum256(b)] = file
		f, err := elf.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		if f.Machine != machine {
			t.Errorf("%s: got %v, want %v", file, f.Machine, machine)
		}
		_ = f.Close()
	}
	if len(sums) != 8 { // seven of the construct, and the example's
		t.Errorf("%d different binaries in %d assets, want 8", len(sums), len(built))
	}
}

func TestInvalidContextEndsTheAppWithoutAStackTrace(t *testing.T) {
	cmd := exec.Command("go", "run", ".")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "CDK_OUTDIR="+t.TempDir(), "CDK_CONTEXT_JSON="+contextJSON(t, map[string]any{
		"stage": "qa", "architecture": "riscv",
	}))
	out, err := cmd.CombinedOutput()
	text := string(out)
	if err == nil || !strings.Contains(text, "exit status 1") {
		t.Errorf("got %v, want exit status 1", err)
	}
	for _, want := range []string{`context stage must be one of the stages in cdk.json, got "qa"`, `got "riscv"`} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in %s", want, text)
		}
	}
	if strings.Contains(text, "goroutine") {
		t.Errorf("a stack trace: %s", text)
	}
}
