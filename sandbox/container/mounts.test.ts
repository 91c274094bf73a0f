import assert from "node:assert/strict";
import { test } from "node:test";
import { disksOf, fileSystemOf } from "./file-system.ts";
import { batchMounts, type Mount, printFstab } from "./mounts.ts";

const bind = (target: string, of: "file" | "directory" = "directory", readOnly = false): Mount => ({
  type: "bind",
  source: `/source${target}`,
  target,
  of,
  readOnly,
});

test("a folder is mounted before what is mounted in it, whatever the order they were given in", () => {
  const [batch] = batchMounts([bind("/data/a/b"), bind("/x"), bind("/data/a"), bind("/data")]);
  assert.deepEqual(
    batch?.mounts.map(({ target }) => target),
    ["/x", "/data", "/data/a", "/data/a/b"],
  );
});

test("a file inside a mounted folder waits for the next batch, where it can be made", () => {
  const batches = batchMounts([bind("/data"), bind("/data/file", "file"), bind("/etc/hosts", "file")]);
  assert.deepEqual(
    batches.map(({ files, mounts }) => [files, mounts.map(({ target }) => target)]),
    [
      [[], ["/data"]],
      [
        ["/data/file", "/etc/hosts"],
        ["/data/file", "/etc/hosts"],
      ],
    ],
  );
});

test("fstab has one line a mount, with blanks in octal", () => {
  const text = printFstab([
    bind("/my data", "directory", true),
    bind("/etc/hosts", "file"),
    { type: "tmpfs", target: "/tmp", options: ["mode=1777"] },
  ]);
  assert.equal(
    text,
    [
      "/.outrigger-host/source/my\\040data /my\\040data none bind,X-mount.mkdir,ro 0 0",
      "/.outrigger-host/source/etc/hosts /etc/hosts none bind 0 0",
      "tmpfs /tmp tmpfs mode=1777,X-mount.mkdir 0 0",
      "",
    ].join("\n"),
  );
});

const sources = [{ source: "/v/tmp", target: "/tmp", isDirectory: true, readOnly: false }];

test("what the Pod mounts takes the place of the container's own folder, and stays writable", () => {
  const { mounts, sealed } = fileSystemOf({ devices: "/d", disks: [], sources, readOnlyRoot: true, privileged: false });
  assert.deepEqual(
    mounts.filter(({ target }) => target === "/tmp").map(({ type }) => type),
    ["bind"],
  );
  assert.deepEqual(sealed, ["/", "/run", "/var/tmp"]);
});

test("only a privileged container writes to /sys and /proc/sys", () => {
  const of = (privileged: boolean) =>
    fileSystemOf({ devices: "/d", disks: [], sources, readOnlyRoot: false, privileged });
  assert.ok(of(false).mounts.some(({ target }) => target === "/proc/sys"));
  assert.ok(!of(true).mounts.some(({ target }) => target === "/proc/sys"));
  assert.deepEqual(of(false).sealed, []);
});

test("other disks are those that hold files, outside of the folders that containers have of their own", () => {
  const line = (point: string, type: string) => `1 2 8:1 / ${point} rw - ${type} source rw`;
  const mountinfo = [
    line("/", "ext4"),
    line("/home", "ext4"),
    line("/my\\040disk", "xfs"),
    line("/proc", "proc"),
    line("/run/netns", "ext4"),
    line("/sys/fs/cgroup", "cgroup2"),
    line("/tmp/x", "ext4"),
    line("/dev/shm", "tmpfs"),
  ].join("\n");
  assert.deepEqual(disksOf(mountinfo), ["/home", "/my disk"]);
});
