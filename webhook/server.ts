import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { App } from "./app.ts";
import type { ServingPair } from "./certificate.ts";
import type { ServerState } from "./state.ts";

/** Serves a certificate from the next handshake on. Connections that are open keep theirs; no request is lost. */
export function serveCertificate(app: App, state: ServerState, pair: ServingPair): void {
  app.server.setSecureContext({ cert: pair.certificate, key: pair.privateKey, minVersion: "TLSv1.2" });
  state.certificate = pair;
}

/** Opens the port. `::` takes IPv4 as well, and falls back to it where the host has no IPv6. */
export async function listen(app: App, state: ServerState, address: string, port: number): Promise<AddressInfo> {
  try {
    await app.listen({ host: address, port });
  } catch (error) {
    if (address !== "::" || (error as NodeJS.ErrnoException).code !== "EAFNOSUPPORT") throw error;
    await app.listen({ host: "0.0.0.0", port });
  }
  state.listening = true;
  return app.server.address() as AddressInfo;
}

export interface DrainOptions {
  /** How long to go on serving while not ready, so that the Service's endpoints can lose this address first. */
  readonly delayMs: number;
  /** How long the requests in flight may take after that. */
  readonly timeoutMs: number;
}

/**
 * Ends the server without a lost request: not ready any more, then a while of serving as before with every answer
 * closing its connection, then no new connections, then the end of what is in flight.
 * @returns whether everything in flight was answered in time; if not, its connections were cut
 */
export async function drain(app: App, state: ServerState, { delayMs, timeoutMs }: DrainOptions): Promise<boolean> {
  state.draining = true;
  await wait(delayMs);
  state.listening = false;
  const timeout = new AbortController();
  const cut = wait(timeoutMs, false, { signal: timeout.signal }).then(() => {
    app.server.closeAllConnections();
    return false;
  });
  const closed = app.close().then(() => true);
  const clean = await Promise.race([closed, cut.catch(() => true)]);
  timeout.abort();
  await closed;
  return clean;
}
