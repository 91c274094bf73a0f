#!/bin/sh
# Process 1 of a test machine, in namespaces of its own (unshare --net --mount --pid --ipc --uts --fork --mount-proc).
# Gives the machine copy-on-write copies of the folders that a node writes to, then starts its programs. When this
# process ends the kernel ends all others, and the mounts go with the namespace: nothing of it stays.
# usage: isolate.sh STATE COMMAND ARGUMENTS...
set -eu
state=$1
shift
mount --make-rprivate /
for folder in etc opt var; do
  mkdir -p "$state/overlays/$folder/upper" "$state/overlays/$folder/work"
  mkdir -p "/$folder" 2>/dev/null || true
  mount -t overlay overlay "/$folder" \
    -o "lowerdir=/$folder,upperdir=$state/overlays/$folder/upper,workdir=$state/overlays/$folder/work"
done
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir -p /run/lock
# kubelet writes these, which belong to the whole machine: let it write copies.
for name in kernel/panic kernel/panic_on_oops vm/overcommit_memory vm/panic_on_oom \
  kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
  mkdir -p "$state/sysctl/${name%/*}"
  cat "/proc/sys/$name" >"$state/sysctl/$name"
  mount --bind "$state/sysctl/$name" "/proc/sys/$name"
done
# A Pod's mounts are made under the kubelet's folder and must reach the container runtime.
mkdir -p "$state/kubelet"
mount --bind "$state/kubelet" "$state/kubelet"
mount --make-rshared /
hostname node-1
# Not exec: this shell stays process 1 and reaps what loses its parent.
"$@"
