import type { Mount } from "./mounts.ts";

/** A bind mount of something whose kind is known. */
export interface PlacedSource {
  readonly source: string;
  readonly target: string;
  readonly isDirectory: boolean;
  readonly readOnly: boolean;
}

/** What makes up a container's file system, over this machine's own. */
export interface FileSystemInput {
  /** The folder of device nodes that all containers share. */
  readonly devices: string;
  /** Other disks of this machine, which an overlay over / does not show. */
  readonly disks: readonly string[];
  /** The Pod's hosts, hostname and resolv.conf, its termination log, the image's files, and the volumes. */
  readonly sources: readonly PlacedSource[];
  readonly readOnlyRoot: boolean;
  readonly privileged: boolean;
}

export interface FileSystem {
  readonly mounts: readonly Mount[];
  /** Mount points to make read-only once everything is mounted. */
  readonly sealed: readonly string[];
}

/** Folders of this machine that a container does not see: it has its own, and they are empty. */
const emptyFolders: readonly { readonly target: string; readonly mode: string }[] = [
  { target: "/run", mode: "0755" },
  { target: "/tmp", mode: "1777" },
  { target: "/var/tmp", mode: "1777" },
];

function bind({ source, target, isDirectory, readOnly }: PlacedSource): Mount {
  return { type: "bind", source, target, of: isDirectory ? "directory" : "file", readOnly };
}

function readOnlyFolder(path: string): Mount {
  return bind({ source: path, target: path, isDirectory: true, readOnly: true });
}

/** Every mount of a container. What the Pod mounts somewhere takes the place of what would be there. */
export function fileSystemOf({ devices, disks, sources, readOnlyRoot, privileged }: FileSystemInput): FileSystem {
  const own = sources.map(bind);
  const taken = new Set(own.map(({ target }) => target));
  const empty = emptyFolders.filter(({ target }) => !taken.has(target));
  const base: Mount[] = [
    bind({ source: devices, target: "/dev", isDirectory: true, readOnly: true }),
    { type: "devpts", target: "/dev/pts", options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"] },
    { type: "tmpfs", target: "/dev/shm", options: ["nosuid", "nodev", "noexec", "mode=1777", "size=64m"] },
    { type: "sysfs", target: "/sys", options: ["nosuid", "nodev", "noexec", ...(privileged ? [] : ["ro"])] },
    ...(privileged ? [] : [readOnlyFolder("/proc/sys")]),
    ...empty.map(
      ({ target, mode }): Mount => ({ type: "tmpfs", target, options: ["nosuid", "nodev", `mode=${mode}`] }),
    ),
    ...disks.map(readOnlyFolder),
  ];
  const mounts = [...base.filter(({ target }) => !taken.has(target)), ...own];
  return { mounts, sealed: readOnlyRoot ? ["/", ...empty.map(({ target }) => target)] : [] };
}

/** File systems that hold files of this machine, and not its state or another program's. */
const diskTypes = /^(ext[234]|xfs|btrfs|f2fs|zfs|bcachefs|overlay|nfs4?|9p|virtiofs|fuse\.\S+|erofs|squashfs)$/;
const hidden = ["/dev", "/proc", "/run", "/sys", "/tmp", "/var/tmp"];

/** The mount points, besides /, that hold this machine's files; from /proc/self/mountinfo. */
export function disksOf(mountinfo: string): string[] {
  const points = mountinfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ", 2);
    const point = (before.split(" ")[4] ?? "").replaceAll(/\\(\d{3})/g, (_, code) =>
      String.fromCharCode(Number.parseInt(code, 8)),
    );
    const type = after.split(" ")[0] ?? "";
    const isHidden = hidden.some((folder) => point === folder || point.startsWith(`${folder}/`));
    return point === "" || point === "/" || isHidden || !diskTypes.test(type) ? [] : [point];
  });
  return [...new Set(points)];
}
