#!/usr/bin/env bash
# Holds deny.toml against Cargo.lock; installs cargo-deny where it is missing. The advisory database is
# a repository that a build machine may not reach, so advisories are left to `cargo deny check advisories`.
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.20.2
tools="${XDG_CACHE_HOME:-$HOME/.cache}/flashline-ci/cargo-deny-$version"
if [ ! -x "$tools/bin/cargo-deny" ]; then
    CARGO_TARGET_DIR="$tools/build" cargo install --quiet --locked --version "$version" --root "$tools" \
        --no-default-features cargo-deny
    rm -rf "$tools/build"
fi
"$tools/bin/cargo-deny" check bans licenses sources
