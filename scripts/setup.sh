#!/bin/sh
# What pip cannot install. On Debian as root, or with sudo that asks nothing, missing packages are installed;
# elsewhere one line says what is left out and why.
#
#   sh scripts/setup.sh python PYTHON   a Python that can make virtual environments
#   sh scripts/setup.sh tests           PostgreSQL, Chromium, poppler-utils, curl, jq and node, which the tests drive, and
#                                       the npm packages of tests/independent/*, which read what the product writes
set -eu

install() {
    [ -f /etc/debian_version ] || return 1
    if [ "$(id -u)" = 0 ]; then as_root=""; elif sudo -n true 2>/dev/null; then as_root="sudo"; else return 1; fi
    echo "Installing $* ..."
    # an index that is there may do; if it is too old or empty, it is fetched
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 ||
        { $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
            $as_root apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }
}

# One folder of tests/independent: its locked packages, again only when the lock has changed.
fetch_readers() {
    stamp="$1/node_modules/.fetched"
    if [ -f "$stamp" ] && [ ! "$1/package-lock.json" -nt "$stamp" ]; then return 0; fi
    echo "Fetching the npm packages of $1 (once) ..."
    (cd "$1" && npm ci --silent --ignore-scripts --no-audit --no-fund) && touch "$stamp"
}

case "${1:-}" in
python)
    python=${2:-python3}
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        { echo "Python 3.11 or newer is needed; say which with PYTHON=…" >&2; exit 1; }
    "$python" -c 'import ensurepip' 2>/dev/null || install python3-venv ||
        { echo "Python cannot make virtual environments: install python3-venv." >&2; exit 1; }
    ;;
tests)
    missing=""
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
    [ -x /usr/bin/chromium ] || missing="$missing chromium"
    command -v pdftoppm >/dev/null 2>&1 || missing="$missing poppler-utils"
    command -v curl >/dev/null 2>&1 || missing="$missing curl"
    command -v jq >/dev/null 2>&1 || missing="$missing jq"
    command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || missing="$missing nodejs npm"
    # shellcheck disable=SC2086  # several words on purpose
    if [ -n "$missing" ] && ! install $missing; then
        echo "Left out: the tests that need$missing (this is not Debian, or neither root nor sudo without a password)."
        # there nothing may be skipped
        [ -z "${CI:-}" ] || exit 1
    fi
    for folder in tests/independent/*/; do
        folder=${folder%/}
        if [ ! -f "$folder/package-lock.json" ]; then
            continue
        elif ! command -v npm >/dev/null 2>&1 || ! fetch_readers "$folder"; then
            echo "Left out: the independent readers of $folder (no npm, or it could not fetch the packages)."
            [ -z "${CI:-}" ] || exit 1
        fi
    done
    ;;
*)
    echo "usage: scripts/setup.sh python PYTHON | tests" >&2
    exit 2
    ;;
esac
