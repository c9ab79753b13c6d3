#!/usr/bin/env bash
# esptool 5.6 from the Python registry against `flashline sim`: the ESP32 in depth, on ptys and over
# RFC2217, with what `flashline flash` leaves; then every chip as ROM, with stub and in Secure Download
# Mode. The flash is compared byte for byte.
# usage: tests/conformance/esptool.sh [PATH_OF_FLASHLINE]   (default: the release build, made if needed)
set -euo pipefail
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
bin="${1:-}"
if [ -z "$bin" ]; then
    cargo build --release
    bin="$target/release/flashline"
fi
venv="$target/conformance/venv"
if ! "$venv/bin/python" -c 'import esptool; assert esptool.__version__.startswith("5.6.")' 2>/dev/null; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check 'esptool==5.6.*'
fi
"$venv/bin/python" tests/conformance/esptool_against_sim.py "$bin"
exec "$venv/bin/python" tests/conformance/every_chip.py "$bin"
