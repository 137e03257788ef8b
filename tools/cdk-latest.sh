#!/usr/bin/env bash
# Says whether the construct works with an awscdk: builds, vets and synthesizes it, with go.mod as it is but for awscdk.
# Usage: tools/cdk-latest.sh [version], such as v2.276.0. Default: the latest one.
set -euo pipefail
cd "$(dirname "$0")/.."
module=github.com/aws/aws-cdk-go/awscdk/v2
version=${1:-latest}
mkdir -p build
export GOWORK=off # which refuses other requirements than those in go.mod
mod=$PWD/build/cdk.mod
trap 'rm -f "$mod" "${mod%.mod}.sum"' EXIT

# with has the module in a directory require that awscdk, in a copy of its go.mod.
with() {
	cp "$1/go.mod" "$mod"
	cp "$1/go.sum" "${mod%.mod}.sum"
	(cd "$1" && go get -modfile="$mod" "$module@$version") >build/cdk.log 2>&1 || { cat build/cdk.log; exit 1; }
	version=$(cd "$1" && go list -modfile="$mod" -mod=mod -m -f '{{.Version}}' "$module")
}

with .
echo "awscdk $version"
flags="${GOFLAGS:-} -mod=mod"
GOFLAGS=$flags go build -modfile="$mod" ./constructs/... ./example/...
GOFLAGS=$flags go vet -modfile="$mod" ./constructs/... ./example/...
GOFLAGS=$flags go test -modfile="$mod" ./constructs/...
with test
(cd test && GOFLAGS=$flags go test -modfile="$mod" ./synth)
echo "the construct works with awscdk $version"
