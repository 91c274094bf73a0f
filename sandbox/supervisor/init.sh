#!/bin/sh
# The first process of a sandbox's PID namespace: reaps what others leave behind, and ends with the supervisor; then the
# kernel ends all that is left, and with the namespaces go their interfaces, rules and mounts.
#   init.sh RUN_FOLDER COMMAND...
set -eu
run=$1
shift

mount -t tmpfs -o nosuid,mode=0700 outrigger-sandbox "$run/private"
devices=$run/private/devices
mkdir -p "$devices/pts" "$devices/shm"
mknod -m 0666 "$devices/null" c 1 3
mknod -m 0666 "$devices/zero" c 1 5
mknod -m 0666 "$devices/full" c 1 7
mknod -m 0666 "$devices/random" c 1 8
mknod -m 0666 "$devices/urandom" c 1 9
mknod -m 0666 "$devices/tty" c 5 0
ln -s pts/ptmx "$devices/ptmx"
ln -s /proc/self/fd "$devices/fd"
ln -s /proc/self/fd/0 "$devices/stdin"
ln -s /proc/self/fd/1 "$devices/stdout"
ln -s /proc/self/fd/2 "$devices/stderr"
: >"$devices/termination-log"

"$@" &
supervisor=$!
trap 'kill -TERM "$supervisor" 2>/dev/null || :' TERM INT HUP
status=0
while kill -0 "$supervisor" 2>/dev/null; do
  status=0
  wait "$supervisor" || status=$?
done
exit "$status"
