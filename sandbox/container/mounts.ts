/** One mount inside a container. */
export type Mount =
  | {
      readonly type: "bind";
      /** On the machine, outside of the container. */
      readonly source: string;
      readonly target: string;
      readonly of: "file" | "directory";
      readonly readOnly: boolean;
    }
  | { readonly type: "tmpfs" | "sysfs" | "devpts"; readonly target: string; readonly options: readonly string[] };

/** Mounts that can be made by one `mount --all`, after the files to mount on have been made. */
export interface MountBatch {
  readonly files: readonly string[];
  readonly mounts: readonly Mount[];
}

/** Where the machine's own root stays visible while the mounts are made. */
export const hostRoot = "/.outrigger-host";

function isInside(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

function depth({ target }: Mount): number {
  return target.split("/").filter((part) => part !== "").length;
}

/**
 * Orders mounts so that a folder comes before what is mounted in it. A file to mount on can only be made once the folder
 * around it is mounted, so such a mount starts a new batch.
 */
export function batchMounts(mounts: readonly Mount[]): MountBatch[] {
  const ordered = [...mounts].sort((one, other) => depth(one) - depth(other));
  const batches: { files: string[]; mounts: Mount[] }[] = [{ files: [], mounts: [] }];
  for (const mount of ordered) {
    const isFile = mount.type === "bind" && mount.of === "file";
    let batch = batches.at(-1) as { files: string[]; mounts: Mount[] };
    if (isFile && batch.mounts.some(({ target }) => isInside(mount.target, target))) {
      batch = { files: [], mounts: [] };
      batches.push(batch);
    }
    if (isFile) batch.files.push(mount.target);
    batch.mounts.push(mount);
  }
  return batches;
}

/** fstab(5) has no quotes: blanks, tabs, line ends, `#` and backslashes are written in octal. */
function escaped(field: string): string {
  return field.replaceAll(/[\s\\#]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

function fstabLine(mount: Mount): string {
  if (mount.type !== "bind") {
    const options = [...mount.options, "X-mount.mkdir"].join(",");
    return `${mount.type} ${escaped(mount.target)} ${mount.type} ${options} 0 0`;
  }
  const options = ["bind"];
  if (mount.of === "directory") options.push("X-mount.mkdir");
  if (mount.readOnly) options.push("ro");
  return `${escaped(hostRoot + mount.source)} ${escaped(mount.target)} none ${options.join(",")} 0 0`;
}

/** The input of `mount --all --fstab`. */
export function printFstab(mounts: readonly Mount[]): string {
  return mounts.map((mount) => `${fstabLine(mount)}\n`).join("");
}
