#!/bin/sh
# Installs the Debian packages whose commands are missing on this machine. Does nothing, quickly, when all are there.
# usage: host-packages.sh [cluster|bench]   (also what a Kubernetes node or a load generator needs)
set -eu
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need iptables-restore iptables
need nft nftables
need ip iproute2
need unshare util-linux
need python3 python3
if [ "${1:-}" = cluster ]; then
  need containerd containerd
  need runc runc
  need conntrack conntrack
  need busybox busybox-static
  [ -x /usr/lib/cni/bridge ] || missing="$missing containernetworking-plugins"
fi
[ "${1:-}" != bench ] || need wrk wrk
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "missing here, and needed by the tests:$missing (install them, or run as root on Debian)" >&2
  exit 0
fi
echo "installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # one word a package
apt-get install -y -qq --no-install-recommends $missing >/dev/null
