import { chmod, lstat, mkdir } from "node:fs/promises";
import { OutriggerError } from "../../mesh/errors.ts";

/**
 * Makes the folder of the socket, or closes the one that is there to everybody else: the kubelet makes a Pod's hostPath
 * folders open to all. Whoever can enter it can ask for rules, so nobody but
 * this user may: connecting to a Unix socket needs the right to enter its folder. This is the peer's credential, checked
 * by the kernel at every connection (docs/adr/0061).
 *
 * @throws OutriggerError HOST_UNFIT when the folder is somebody else's
 */
export async function preparePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const found = await lstat(path);
  const refuse = (message: string, remedy: string) => {
    throw new OutriggerError("HOST_UNFIT", [{ field: "run directory", value: path, message, remedy }]);
  };
  if (!found.isDirectory()) refuse("is not a folder", "remove it, or choose another one");
  if (found.uid !== process.getuid?.()) refuse(`belongs to user ${found.uid}`, `chown it to ${process.getuid?.()}`);
  if ((found.mode & 0o077) !== 0) await chmod(path, 0o700);
}
