import { chmod, chown, open, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

export interface FileOwner {
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Where a file is written before it takes its place: in the same folder, since runtimes miss files that are moved in from
 * elsewhere; under a name that no runtime reads; and always the same one, so that leftovers never pile up.
 */
function draftOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.outrigger-draft`);
}

/** Changes the owner only where it is another one: that takes a capability which the agent does not have. */
async function giveTo(path: string, { uid, gid }: FileOwner): Promise<void> {
  const { uid: ownUid, gid: ownGid } = await stat(path);
  if (uid !== undefined && gid !== undefined && (uid !== ownUid || gid !== ownGid)) await chown(path, uid, gid);
}

/** Writes a file so that a reader sees the old content or the new one, whatever happens in between, power loss included. */
export async function writeAtomically(path: string, content: string | Buffer, owner: FileOwner): Promise<void> {
  const draft = draftOf(path);
  // Whatever stands there, a link above all, is not written through.
  await rm(draft, { force: true });
  try {
    const file = await open(draft, "wx", owner.mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await chmod(draft, owner.mode);
    await giveTo(draft, owner);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** The content of a file, or undefined when there is none. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Copies an executable unless the very same one stands there already. Returns whether it was written. */
export async function copyExecutable(from: string, to: string): Promise<boolean> {
  const [wanted, present] = [await readFile(from), await readIfThere(to)];
  const executable = present !== undefined && ((await stat(to)).mode & 0o777) === 0o755;
  if (executable && wanted.equals(present)) return false;
  await writeAtomically(to, wanted, { mode: 0o755 });
  return true;
}
