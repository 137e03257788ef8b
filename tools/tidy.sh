#!/usr/bin/env bash
# Tidies the modules of the product, or with -diff says what is not tidy.
# dev/go.mod names the release of the product that it is published with, which is not published yet when dev is worked on.
# It must not replace that by this checkout, as go.work does: go install refuses a module that replaces anything.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOWORK=off
product=$(go list -m)
mkdir -p build
mod=$PWD/build/tidy.mod
trap 'rm -f "$mod" "${mod%.mod}.sum"' EXIT
for dir in . dev test test/browser; do
	cp "$dir/go.mod" "$mod"
	cp "$dir/go.sum" "${mod%.mod}.sum"
	[ "$dir" != dev ] || go mod edit -replace "$product=../" "$mod"
	(cd "$dir" && go mod tidy -modfile="$mod" "$@")
	[ "$dir" != dev ] || go mod edit -dropreplace "$product" "$mod"
	[ $# -gt 0 ] || { cp "$mod" "$dir/go.mod" && cp "${mod%.mod}.sum" "$dir/go.sum"; }
done
