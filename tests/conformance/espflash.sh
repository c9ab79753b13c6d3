#!/usr/bin/env bash
# espflash's library (tests/conformance/espflash) against `flashline sim`, each chip that it supports; the
# flash that it leaves compared byte for byte.
# usage: tests/conformance/espflash.sh [PATH_OF_FLASHLINE]   (default: the release build, made if needed)
set -euo pipefail
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
bin="${1:-}"
if [ -z "$bin" ]; then
    cargo build --release
    bin="$target/release/flashline"
fi
cargo build --release --locked --manifest-path tests/conformance/espflash/Cargo.toml --target-dir "$target/conformance/espflash"
exec python3 tests/conformance/espflash_against_sim.py "$bin" "$target/conformance/espflash/release/espflash-client"
