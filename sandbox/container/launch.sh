#!/bin/sh
# Makes a container's file system and runs its program in it. Started as the first process of the container's own mount
# and PID namespaces; the supervisor wrote what to mount.
#   launch.sh DIRECTORY WORKING_DIRECTORY PATH PROGRAM COMMAND...
# DIRECTORY holds upper, work and root for the overlay; N.files and N.fstab, a pair for each batch of mounts, from 1 on;
# and sealed, the mount points to make read-only at the end.
# What goes wrong is written to file descriptor 3, and "started" when nothing did.
set -eu
directory=$1 working_directory=$2 path=$3 program=$4
shift 4
host=/.outrigger-host
exec 4>&2 2>&3

mount -t overlay overlay -o "lowerdir=/,upperdir=$directory/upper,workdir=$directory/work" "$directory/root"
mkdir -p "$directory/root$host"
cd "$directory/root"
pivot_root . "./$host"
cd /
mount -t proc -o nosuid,nodev,noexec proc /proc

batch=1
while [ -e "$host$directory/$batch.fstab" ]; do
  while IFS= read -r file; do
    mkdir -p "${file%/*}"
    [ ! -L "$file" ] || rm "$file"
    [ -e "$file" ] || : >"$file"
  done <"$host$directory/$batch.files"
  mount --all --fstab "$host$directory/$batch.fstab"
  batch=$((batch + 1))
done
mkdir -p "$working_directory"
while IFS= read -r sealed; do
  [ "$sealed" = / ] || mount -o remount,bind,ro "$sealed"
done <"$host$directory/sealed"
root_is_sealed=$(grep -cx / "$host$directory/sealed" || :)
umount -l "$host"
rmdir "$host"
[ "$root_is_sealed" = 0 ] || mount -o remount,bind,ro /
cd "$working_directory"

if ! PATH=$path command -v "$program" >/dev/null; then
  echo "exec: \"$program\": no such program on this machine" >&3
  exit 127
fi
echo started >&3
exec "$@" 2>&4 3>&- 4>&-
