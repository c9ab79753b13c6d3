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
python="$(tests/conformance/venv.sh)"
"$python" tests/conformance/esptool_against_sim.py "$bin"
exec "$python" tests/conformance/every_chip.py "$bin"
