#!/bin/sh
# Makes .venv from a hashed lock. Usage: scripts/bootstrap.sh requirements.lock|requirements-dev.lock
# What pip cannot bring (python3-venv, libsodium23, libdecaf0; for tests also Go with its log library,
# openssl, age and Chromium) comes from apt as root or with passwordless sudo; otherwise the one line to type is
# printed and we exit 3.
set -eu
cd "$(dirname "$0")/.."
lock=$1
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Patchwork needs Python 3.11 or newer; $python is $("$python" -V 2>&1)." >&2
    exit 3
}

missing=""
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
"$python" -c 'import ctypes; ctypes.CDLL("libsodium.so.23")' 2>/dev/null || missing="$missing libsodium23"
"$python" -c 'import ctypes; ctypes.CDLL("libdecaf.so.0")' 2>/dev/null || missing="$missing libdecaf0"
case $lock in *dev*)
    command -v go >/dev/null || missing="$missing golang-go"
    [ -d /usr/share/gocode/src/golang.org/x/mod/sumdb ] || missing="$missing golang-golang-x-mod-dev"
    command -v openssl >/dev/null || missing="$missing openssl"
    command -v age >/dev/null || missing="$missing age"
    [ -e /usr/lib/fiu/fiu_posix_preload.so ] || missing="$missing fiu-utils"
    command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null ||
        missing="$missing chromium-headless-shell fonts-liberation"
    ;;
esac
if [ -n "$missing" ]; then
    line="apt-get install -y --no-install-recommends$missing"
    if [ "$(id -u)" = 0 ]; then
        sudo=""
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        sudo="sudo -n"
    else
        echo "Please run this once, then try again:  sudo $line" >&2
        exit 3
    fi
    echo "Installing$missing with apt ..."
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get update -q
    # shellcheck disable=SC2086
    $sudo env DEBIAN_FRONTEND=noninteractive $line
fi

if [ ! -x .venv/bin/python ]; then
    "$python" -m venv .venv
fi
echo "Installing Python packages from $lock (every one checked by its hash) ..."
.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r "$lock"
.venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
