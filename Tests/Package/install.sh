#!/usr/bin/env bash
# Installs a package of Temper in a fresh Debian 12 that has no toolchain, runs a job to its verdict, purges it, and looks whether the data
# is still there. Needs root, debootstrap and a Debian mirror.
#
#   Tests/Package/install.sh temper_VERSION_amd64.deb
set -euo pipefail

deb=$(readlink -f "$1")
root=$(mktemp -d /var/tmp/temper-root-XXXXXX)
cleanup() {
  umount -l "$root/proc" 2>/dev/null || true
  rm -rf --one-file-system "$root"
}
trap cleanup EXIT
passed=0
check() { echo "ok: $1"; passed=$((passed + 1)); }

debootstrap --variant=minbase --include=ca-certificates,curl,jq bookworm "$root" >/dev/null
mount -t proc proc "$root/proc"
cp "$deb" "$root/tmp/temper.deb"
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }
inside sh -c '! command -v swift'
begun=$(date +%s)
inside apt-get install -y -qq --no-install-recommends /tmp/temper.deb >/dev/null
inside temper --version
check "it installs and starts without a toolchain"

inside sh -c '
  set -e
  mkdir -p /var/lib/temper
  temper serve --config /etc/temper/temper.yaml --listen 127.0.0.1:18080 2>/tmp/log & server=$!
  for i in $(seq 50); do curl -sf http://127.0.0.1:18080/readyz >/dev/null && break; sleep 0.2; done
  export TEMPER_SERVER=http://127.0.0.1:18080
  code=0; temper submit /usr/share/doc/temper/examples/digits-pgd.json --gate >/tmp/report || code=$?
  kill $server; wait $server || true
  test $code -eq 0 -o $code -eq 3 -o $code -eq 6
  tail -n 3 /tmp/report'
check "it serves, and a job has a verdict $(($(date +%s) - begun)) seconds after the installation began"

inside sh -c 'zcat /usr/share/man/man1/temper.1.gz | head -1 | grep -q "^.TH TEMPER 1" && test -s /usr/share/bash-completion/completions/temper'
check "the page for man and the completions are there"

inside dpkg --purge temper >/dev/null
inside sh -c '! command -v temper && ! test -e /etc/temper/temper.yaml && test -s /var/lib/temper/temper.sqlite -o -n "$(ls -A /var/lib/temper)"'
check "purged, and the data is untouched"
echo "$passed passed, 0 failed"
