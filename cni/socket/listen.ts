import { once } from "node:events";
import { chmod, lstat, rename, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { preparePrivateFolder } from "./private-folder.ts";

/** The name that the plugin connects to, below the run directory. */
export const socketName = "agent.sock";

/** A socket that is served, under its public name. */
export interface Listening {
  /** Whether the name still leads to this socket: a newer agent on the node takes it over. */
  readonly isCurrent: () => Promise<boolean>;
  /** Takes the name away, if it is still this socket's, and ends when every connection has. */
  readonly close: () => Promise<void>;
}

/** The plugin's requests at once. A node starts at most some hundred Pods. */
const mostConnections = 512;

async function inodeOf(path: string): Promise<bigint | undefined> {
  try {
    return (await lstat(path, { bigint: true })).ino;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function bind(server: Server, path: string): Promise<void> {
  await rm(path, { force: true });
  server.listen(path);
  await once(server, "listening");
  await chmod(path, 0o600);
}

/**
 * Listens in the run directory. The socket is made under a name of its own and then renamed, so that there is no moment
 * without one: an agent that takes over from an older one loses no request.
 */
export async function listen(runDirectory: string, serve: (socket: Socket) => void): Promise<Listening> {
  await preparePrivateFolder(runDirectory);
  const path = join(runDirectory, socketName);
  const draft = `${path}.${process.pid}`;
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: false }, serve);
  server.maxConnections = mostConnections;
  await bind(server, draft);
  const inode = await inodeOf(draft);
  await rename(draft, path);
  const isCurrent = async () => (await inodeOf(path)) === inode;
  return {
    isCurrent,
    async close() {
      if (await isCurrent()) await rm(path, { force: true });
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}
