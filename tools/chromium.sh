#!/usr/bin/env bash
# Installs Chromium for the tests in test/browser, unless a browser is there that they can drive. CHROMIUM names another one.
set -euo pipefail
for name in ${CHROMIUM:-chromium chromium-browser google-chrome}; do
	if command -v "$name" >/dev/null; then exit 0; fi
done
if [ -n "${CHROMIUM:-}" ]; then
	echo "CHROMIUM names a program that does not exist: $CHROMIUM" >&2
	exit 1
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "test/browser needs a Chromium. Install one (on Debian: sudo apt-get install chromium), or name it in CHROMIUM" >&2
	exit 1
fi
echo "installing chromium"
mkdir -p build
export DEBIAN_FRONTEND=noninteractive
{ apt-get update && apt-get install -y --no-install-recommends chromium; } >build/chromium.log 2>&1 || {
	cat build/chromium.log >&2
	exit 1
}
