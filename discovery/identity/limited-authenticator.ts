import type { Authenticator } from "./authentication.ts";

export interface AuthenticatorLimits {
  /** Tokens that are checked at once. */
  readonly atOnce: number;
  /** Tokens that wait for their turn; who comes then is told to come again. */
  readonly waiting: number;
}

/** All proxies of a large mesh may come at once, and are through in seconds. */
export const defaultLimits: AuthenticatorLimits = { atOnce: 32, waiting: 5_000 };

/** Checks a bounded number of tokens at once: whoever sends many must not be passed on to the API server. */
export function limitedAuthenticator(check: Authenticator, { atOnce, waiting }: AuthenticatorLimits): Authenticator {
  const queue: (() => void)[] = [];
  let running = 0;

  function turn(): Promise<void> | undefined {
    if (running < atOnce) {
      running += 1;
      return undefined;
    }
    return new Promise((resolve) => queue.push(resolve));
  }

  return async (token) => {
    if (queue.length >= waiting) return { ok: false, reason: "unavailable", detail: "too many tokens wait" };
    await turn();
    try {
      return await check(token);
    } finally {
      const next = queue.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
