import { watch } from "node:fs";
import { dirname } from "node:path";

/** Changes arrive in bursts, and the kubelet swaps a symbolic link that not every file system reports. */
const settleMs = 50;
const pollMs = 10_000;

/**
 * Runs `read` whenever some of the files may have changed, one run at a time. It must not throw. The function returned
 * ends it.
 */
export function watchFiles(files: readonly string[], read: () => Promise<void>): () => void {
  let settling: NodeJS.Timeout | undefined;
  let chain = Promise.resolve();
  const readAgain = () => {
    chain = chain.then(read);
  };
  const changed = () => {
    clearTimeout(settling);
    settling = setTimeout(readAgain, settleMs).unref();
  };
  const watchers = [...new Set(files.map(dirname))].map((folder) => watch(folder, { persistent: false }, changed));
  // A folder that goes away ends its watch with an error; the poll goes on.
  for (const watcher of watchers) watcher.on("error", () => watcher.close());
  const poll = setInterval(readAgain, pollMs).unref();
  return () => {
    clearTimeout(settling);
    clearInterval(poll);
    for (const watcher of watchers) watcher.close();
  };
}
