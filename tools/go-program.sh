#!/bin/sh
# Prints the path of a program of this checkout that is written in Go: static, for this machine's kind or for the one that
# is named (amd64, arm64), built once for each state of its source and kept in a cache outside the checkout.
# usage: go-program.sh FOLDER NAME [ARCHITECTURE]
set -eu
here=$(dirname "$(readlink -f "$0")")
source=$here/../$1
name=$2
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$here/../package.json")
go=$("$here/go.sh")
arch=${3:-$("$go" env GOARCH)}
digest=$(cd "$source" && cat go.* ./*.go | sha256sum | cut -c 1-12)
cache=${OUTRIGGER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/outrigger}/$name-$version-$arch-$digest
if [ ! -x "$cache/$name" ]; then
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/build.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  cd "$source"
  CGO_ENABLED=0 GOOS=linux GOARCH="$arch" GOFLAGS=-mod=readonly "$go" build -trimpath -buildvcs=false \
    -ldflags "-s -w -buildid= -X main.version=$version" -o "$work/$name" . >&2
  mv -f "$work/$name" "$cache/$name"
fi
echo "$cache/$name"
