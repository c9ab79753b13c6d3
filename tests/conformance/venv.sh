#!/usr/bin/env bash
# Makes sure of a Python with esptool 5.6 from its registry, under the target folder; prints its path.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv="${CARGO_TARGET_DIR:-target}/conformance/venv"
if ! "$venv/bin/python" -c 'import esptool; assert esptool.__version__.startswith("5.6.")' 2>/dev/null; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check 'esptool==5.6.*' >&2
fi
printf '%s\n' "$venv/bin/python"
