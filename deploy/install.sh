# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by deploy/quickstart and tests/run: what a build needs, and how a missing package gets here.

# shellcheck disable=SC2034 # used by who sources this
build_packages=(
    build-essential ninja-build cmake pkg-config python3 tzdata
    libuv1-dev libcurl4-openssl-dev libwebsockets-dev libwebsockets-evlib-uv node-llhttp
    libpcre2-dev libjansson-dev libyaml-dev libexpat1-dev libutf8proc-dev libopencc-dev
    libssl-dev libsodium-dev libsqlite3-dev libcmocka-dev
)

say() { printf -- '-- %3d s  %s\n' "$SECONDS" "$*"; }

# Quiet, unless it fails.
apt() {
    local as_root=() said
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    said=$("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq "$@" 2>&1 </dev/null) ||
        { printf '%s\napt-get %s failed\n' "$said" "$*" >&2; return 1; }
}

has() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

install_missing() { # PACKAGE...
    local missing=() package
    for package; do
        has "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if ! command -v apt-get >/dev/null || { [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; }; then
        echo "these packages of Debian 12 are missing: ${missing[*]}" >&2
        echo "install them (as root: apt-get install -y ...), then run this again; --no-install skips this look" >&2
        return 1
    fi
    say "installing ${#missing[@]} packages: ${missing[*]}"
    apt update
    apt install -y --no-install-recommends "${missing[@]}"
}
