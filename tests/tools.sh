#!/bin/sh
# Installs the programs that the tests talk to, from Debian's packages, where they are missing. Where that is not
# possible it says which tests will be skipped; under CI (variable CI) that is a failure.
set -eu

missing=""
skipped=""
need() { # program, package, tests
    command -v "$1" >/dev/null 2>&1 && return
    case " $missing " in *" $2 "*) ;; *) missing="$missing $2" ;; esac
    case "$skipped" in *"$3"*) ;; *) skipped="${skipped:+$skipped, }$3" ;; esac
}
look() {
    missing="" skipped=""
    need chromium chromium "the gallery in a browser"
    need radosgw radosgw "the S3 store"
    need ceph-mon ceph-mon "the S3 store"
    need ceph-osd ceph-osd "the S3 store"
    need nginx nginx-light "delivery behind nginx"
    need curl curl "delivery by curl"
    need strace strace "the order of system calls"
    need wrk wrk "nothing, but no benchmarks"
}

PATH="$PATH:/usr/sbin:/sbin"
look
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "tests/tools.sh: installing$missing"
    log=$(mktemp)
    # shellcheck disable=SC2086  # a list of packages
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } \
        >"$log" 2>&1 || tail -n 5 "$log" >&2
    rm -f "$log"
    look
    [ -n "$missing" ] || exit 0
fi

echo "tests/tools.sh: missing$missing; these tests will be skipped: $skipped (as root on Debian they are installed)" >&2
[ -z "${CI:-}" ]
