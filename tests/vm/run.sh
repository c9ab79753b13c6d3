#!/usr/bin/env bash
# USB hotplug on a real kernel: boots Debian's kernel in QEMU without acceleration and works a bench there with the
# binary that is given; see README.md here. Installs what it lacks; keeps packages and images in a cache folder.
# usage: tests/vm/run.sh [PATH_OF_FLASHLINE] [SCENARIO ...]   (default: the release build; every scenario)
set -euo pipefail
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
bin="${1:-}"
if [ -z "$bin" ]; then
    cargo build --release
    bin="$target/release/flashline"
fi
# where HOME is not set, the user's own all the same
export HOME="${HOME:-$(echo ~)}"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/flashline-ci/vm"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# mirrors fail now and then
persistently() {
    for pause in 2 5 10 0; do
        "$@" && return
        echo "tests/vm: failed, once more: $*" >&2
        sleep "$pause"
    done
    echo "tests/vm: gave up: $*" >&2
    return 1
}

listed() {
    [ -n "$(apt-cache depends linux-image-amd64 2>/dev/null)" ] && apt-cache show qemu-system-x86 >/dev/null 2>&1
}

quietly_update() {
    as_root apt-get -qq update >&2
}

install_qemu() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends qemu-system-x86 >&2
}

build() {
    local folder="$1" kernel
    listed || persistently quietly_update
    # the metapackage depends on the kernel of the day
    kernel="$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1)"
    mkdir -p "$folder/packages" "$folder/root"
    (
        cd "$folder/packages"
        # a list that is too old names packages that are gone
        fetch() { apt-get -qq -o APT::Sandbox::User=root download "$kernel" busybox-static udev libudev1 libkmod2 >&2; }
        fetch || { persistently quietly_update && persistently fetch; }
    )
    for package in "$folder"/packages/*.deb; do
        case "$package" in
        */linux-image-*) dpkg --fsys-tarfile "$package" | tar -C "$folder/root" -x --wildcards './boot/vmlinuz-*' \
            '*/kernel/drivers/usb/*' '*/kernel/drivers/virtio/*' '*/kernel/drivers/char/*' ;;
        *) dpkg -x "$package" "$folder/root" ;;
        esac
    done
    "${CC:-cc}" -O2 -static -Wall -Werror -o "$folder/nodes" tests/vm/guest/nodes.c
    python3 tests/vm/image.py "$folder"
    rm -rf "$folder/packages" "$folder/root"
}

if ! command -v qemu-system-x86_64 >/dev/null; then
    listed || persistently quietly_update
    install_qemu || { persistently quietly_update && persistently install_qemu; }
fi
# images are of this recipe, whatever built the ones that are there
recipe="$(cat tests/vm/run.sh tests/vm/image.py tests/vm/guest/* | sha256sum | cut -c1-16)"
if [ ! -d "$cache/$recipe" ]; then
    mkdir -p "$cache"
    # other recipes' may be in use by another run
    find "$cache" -mindepth 1 -maxdepth 1 -mtime +7 -exec rm -rf {} +
    building="$(mktemp -d "$cache/building.XXXXXX")"
    trap 'rm -rf "$building"' EXIT
    build "$building"
    mv -T "$building" "$cache/$recipe" 2>/dev/null || rm -rf "$building"
    trap - EXIT
fi
exec python3 tests/vm/rig.py "$cache/$recipe" "$bin" "${@:2}"
