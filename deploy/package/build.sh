#!/usr/bin/env bash
# What `make package` makes: a Debian package and a tar archive of one executable with Swift's runtime linked in, the page for man,
# completions, the unit of systemd and the settings with their defaults.
#
#   deploy/package/build.sh FOLDER [EXECUTABLE]
#
# FOLDER gets both files. Without EXECUTABLE one is built, in .build/package, which takes minutes.
set -euo pipefail

here=$(cd "$(dirname "$0")/../.." && pwd)
out=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$here"
executable=${2:-}
if [[ -z $executable ]]; then
  swift build -c release -j "${JOBS:-2}" --product temper --static-swift-stdlib --scratch-path .build/package
  executable=.build/package/release/temper
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$("$executable" --version | sed 's/^temper //')
machine=$(dpkg --print-architecture)
root=$work/root
name=temper-$version-linux-$(uname -m)

install -D -m 755 "$executable" "$root/usr/bin/temper"
strip --strip-unneeded "$root/usr/bin/temper"

# The pages and completions are made of the commands, the settings of the table of settings: none can name what is not there.
install -d "$root/usr/share/man/man1" "$root/usr/share/bash-completion/completions" "$root/usr/share/zsh/vendor-completions" \
  "$root/usr/share/fish/vendor_completions.d" "$root/etc/temper" "$root/usr/share/doc/temper/examples" "$root/usr/lib/systemd/system"
"$executable" schema --manual | gzip -9n >"$root/usr/share/man/man1/temper.1.gz"
"$executable" --generate-completion-script bash >"$root/usr/share/bash-completion/completions/temper"
"$executable" --generate-completion-script zsh >"$root/usr/share/zsh/vendor-completions/_temper"
"$executable" --generate-completion-script fish >"$root/usr/share/fish/vendor_completions.d/temper.fish"
"$executable" schema --settings | sed 's|^data: .*|data: /var/lib/temper|' >"$root/etc/temper/temper.yaml"
sed -e '/^# A unit of systemd/,/^# (with/d' -e 's|/usr/local/bin/temper|/usr/bin/temper|' deploy/temper.service >"$root/usr/lib/systemd/system/temper.service"
cp config/recipes/digits-*.json "$root/usr/share/doc/temper/examples/"
cp LICENSE "$root/usr/share/doc/temper/copyright"
cat Sources/Datasets/Digits/NOTICE.md >>"$root/usr/share/doc/temper/copyright"

# The shared libraries that it needs, by the packages that have them; what of Swift is not linked in would have none.
depends=()
while read -r library; do
  owner=$(dpkg-query -S "$(readlink -f "$library")" 2>/dev/null || dpkg-query -S "$library" 2>/dev/null || true)
  if [[ -z $owner ]]; then
    echo "package: $library belongs to no Debian package, so the executable would not start elsewhere" >&2
    exit 1
  fi
  depends+=("${owner%%:*}")
done < <(ldd "$root/usr/bin/temper" | awk '$3 ~ /^\// {print $3}')
depends=$(printf '%s\n' "${depends[@]}" | sort -u | paste -sd, | sed 's/,/, /g')

install -d "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<END
Package: temper
Version: $version
Architecture: $machine
Maintainer: The authors of Temper <temper@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: $depends
Suggests: jq, curl
Section: science
Priority: optional
Description: trains image classifiers that hold against adversarial examples
 A service and a command line: post a job spec, get a robustness report with
 intervals, checkpoints that PyTorch loads, and a verdict for a CI pipeline.
END
echo /etc/temper/temper.yaml >"$root/DEBIAN/conffiles"
# The service is not started by itself. Its data, in /var/lib/temper, is nobody's to remove but its owner's: not on purge either.
cat >"$root/DEBIAN/postinst" <<'END'
#!/bin/sh
set -e
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
END
cat >"$root/DEBIAN/prerm" <<'END'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then systemctl disable --now temper.service || true; fi
END
chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm"
dpkg-deb --root-owner-group -Zxz --build "$root" "$out/temper_${version}_$machine.deb" >/dev/null

mkdir -p "$work/$name"
cp -r "$root/usr/." "$work/$name/"
cp "$root/etc/temper/temper.yaml" "$work/$name/temper.example.yaml"
echo "This executable needs the libraries of these Debian 12 packages: $depends" >"$work/$name/NEEDS.txt"
tar -C "$work" --owner=0 --group=0 --sort=name -czf "$out/$name.tar.gz" "$name"
ls -l "$out"
