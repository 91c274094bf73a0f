#!/bin/sh
# Holds a Pod's namespaces, as the pause container does in a cluster.
#   hold.sh HOSTNAME [SYSCTL=VALUE...]
set -eu
echo "$1" >/proc/sys/kernel/hostname
shift
for setting in "$@"; do
  name=${setting%%=*}
  echo "${setting#*=}" >"/proc/sys/$(echo "$name" | tr . /)"
done
echo held
exec sleep infinity
