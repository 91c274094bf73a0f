/**
 * Bytes that were given to the network and are not gone yet, over all streams. A change that everybody must be told of
 * could otherwise stand in memory once for every proxy.
 */
export interface Outbox {
  /** Counts bytes in; the returned function counts them out. */
  add(bytes: number): () => void;
  /** Resolves when there is room for more, or nothing has moved for a while: one slow client holds nobody up. */
  room(): Promise<void>;
}

const longestWaitMs = 100;

export function createOutbox(maxBytes: number): Outbox {
  let held = 0;
  let waiting: (() => void)[] = [];
  return {
    add(bytes) {
      held += bytes;
      return () => {
        held -= bytes;
        if (held > maxBytes) return;
        for (const resolve of waiting) resolve();
        waiting = [];
      };
    },
    async room() {
      if (held <= maxBytes) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push(resolve);
      const timer = setTimeout(resolve, longestWaitMs);
      await promise;
      clearTimeout(timer);
    },
  };
}
