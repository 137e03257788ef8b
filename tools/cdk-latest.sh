#!/usr/bin/env bash
# Says whether the construct works with an awscdk: builds, vets and synthesizes it, with go.mod as it is but for awscdk.
# Usage: tools/cdk-latest.sh [version], such as v2.276.0. Default: the latest one.
set -euo pipefail
cd "$(dirname "$0")/.."
module=github.com/aws/aws-cdk-go/awscdk/v2
version=${1:-latest}
mkdir -p build
mod=$PWD/build/cdk.mod
cp go.mod "$mod"
cp go.sum "${mod%.mod}.sum"
trap 'rm -f "$mod" "${mod%.mod}.sum"' EXIT
go get -modfile="$mod" "$module@$version" >build/cdk.log 2>&1 || { cat build/cdk.log; exit 1; }
version=$(go list -modfile="$mod" -mod=mod -m -f '{{.Version}}' "$module")
echo "awscdk $version"
export GOFLAGS="${GOFLAGS:-} -mod=mod"
go build -modfile="$mod" ./constructs/... ./example/...
go vet -modfile="$mod" ./constructs/... ./example/...
go test -modfile="$mod" ./constructs/... ./test/synth
echo "the construct works with awscdk $version"
