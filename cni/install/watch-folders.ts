import { type FSWatcher, watch } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** Watches folders for changes of any kind. A folder that is not there yet is looked for at the next `open`. */
export function watchFolders(folders: readonly string[]) {
  const watchers: FSWatcher[] = [];
  let dirty = false;
  let wake: () => void = () => undefined;
  const notice = () => {
    dirty = true;
    wake();
  };
  const close = () => {
    for (const watcher of watchers.splice(0)) watcher.close();
  };
  return {
    /** Starts anew: what changes from here on is noticed. A folder that was removed and made again is another one. */
    open(): void {
      close();
      dirty = false;
      for (const folder of folders) {
        try {
          watchers.push(watch(folder, { persistent: false }, notice).on("error", notice));
        } catch {
          // Not there yet.
        }
      }
    },
    /** Ends at the first change since `open`, after `mostMs`, or at the signal. */
    async changed(mostMs: number, signal: AbortSignal): Promise<void> {
      if (dirty || signal.aborted) return;
      const enough = new AbortController();
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const either = AbortSignal.any([signal, enough.signal]);
      await Promise.race([woken, delay(mostMs, undefined, { signal: either, ref: false }).catch(() => undefined)]);
      enough.abort();
    },
    close,
  };
}
