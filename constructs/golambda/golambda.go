// Package golambda compiles Lambda functions written in Go while a CDK app synthesizes.
//
//	code := golambda.Code("github.com/acme/shop", "lambdas/pricing", awslambda.Architecture_ARM_64())
//
// compiles the main package in directory lambdas/pricing of the module github.com/acme/shop for provided.al2023. The
// module is the app's own or any that the app requires: it is built inside its own directory, with its own go.sum. So a
// library can ship its functions, and the app's go.mod does not change. Docker is not used.
//
// The app's binary says which version of a module it was compiled with. Code takes that version from the module cache.
// So the app synthesizes in any directory. It also synthesizes when it is vendored, although a vendor directory holds
// no functions. A module that the cache lacks is downloaded, and checked against the app's go.sum. Modules without a
// version are looked up by the go command in the working directory: the app's own module, one of its workspace, and one
// that a directory replaces.
//
// The same source and version of Go give the same bytes on every machine. An asset changes only when its code does.
//
// The last binary of each function is kept in the user's cache directory. A function that has not changed is not linked
// again. GOLAMBDA_CACHE=off in the environment turns that off.
package golambda

import (
	"path"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/jsii-runtime-go"
)

// Bootstrap is the name that provided.al2023 gives to a function's executable.
const Bootstrap = "bootstrap"

// Code compiles the main package in directory dir of a Go module for Lambda. dir is relative to the module's root and
// separated by slashes. Nothing is compiled where CDK skips bundling, as `cdk ls` and tests do.
//
// Functions of one module are compiled together with the first of them that CDK bundles, which happens when it becomes
// part of a function. Calling Code for all of them first saves a second of each `cdk synth`.
//
// It panics, as CDK constructs do, when the module cannot be found or does not compile; the message is the compiler's.
func Code(module, dir string, arch awslambda.Architecture) awslambda.Code {
	root, err := moduleDir(module)
	if err != nil {
		panic(err)
	}
	b := &bundler{module: module, root: root, pkg: "./" + path.Clean(dir), goarch: goarch(*arch.Name())}
	functions.ask(*b)
	// The source is the package's own directory: CDK never copies it, and hashes the output only.
	return awslambda.Code_FromAsset(jsii.String(filepath.Join(root, filepath.FromSlash(dir))), &awss3assets.AssetOptions{
		AssetHashType: awscdk.AssetHashType_OUTPUT,
		Bundling: &awscdk.BundlingOptions{
			Local: b,
			// CDK caches bundles by source path and these options, and cannot see the fields of b: without a Command
			// that names package and architecture, another function could get this one's binary.
			Command: jsii.Strings("go", "build", module, b.pkg, b.goarch),
			// Never run: TryBundle succeeds or panics. CDK requires one.
			Image: awscdk.DockerImage_FromRegistry(jsii.String("none")),
		},
	})
}

// ThisModule returns the path of the module that this package is in.
func ThisModule() string {
	return strings.TrimSuffix(reflect.TypeFor[bundler]().PkgPath(), "/constructs/golambda")
}

// bundler is CDK's local bundling of one function.
type bundler struct {
	module, root, pkg, goarch string
}

// TryBundle compiles into outputDir. It panics on an error. If it returned false, CDK would try Docker and hide the
// error.
func (b *bundler) TryBundle(outputDir *string, _ *awscdk.BundlingOptions) *bool {
	if err := functions.write(*b, filepath.Join(*outputDir, Bootstrap)); err != nil {
		panic(err)
	}
	return jsii.Bool(true)
}

// goarch translates Lambda's names to Go's.
func goarch(lambda string) string {
	if lambda == "x86_64" {
		return "amd64"
	}
	return lambda
}
