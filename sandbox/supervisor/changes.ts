/** Lets others wait until something that changes has come to a point. */
export interface Changes {
  /** Says that something has changed. */
  readonly announce: () => void;
  /** Resolves with the first value that `probe` gives, now or after a change; undefined when the signal comes first. */
  readonly until: <T>(probe: () => T | undefined, signal: AbortSignal) => Promise<T | undefined>;
}

export function createChanges(): Changes {
  const checks = new Set<() => void>();

  function until<T>(probe: () => T | undefined, signal: AbortSignal): Promise<T | undefined> {
    return new Promise((resolve) => {
      const finish = (value: T | undefined) => {
        checks.delete(check);
        signal.removeEventListener("abort", give);
        resolve(value);
      };
      const give = () => finish(undefined);
      const check = () => {
        const value = probe();
        if (value !== undefined) finish(value);
      };
      checks.add(check);
      signal.addEventListener("abort", give, { once: true });
      if (signal.aborted) give();
      else check();
    });
  }

  const announce = () => {
    for (const check of [...checks]) check();
  };
  return { announce, until };
}
