import { once } from "node:events";
import { createAuthority } from "../../host/x509.ts";
import type { FromSupervisor, SandboxSpec, ToSupervisor } from "./messages.ts";
import { type Sandbox, supervise } from "./supervise.ts";

/**
 * The process behind one sandbox. `outrigger sandbox up` starts it in namespaces of its own, tells it over the IPC channel
 * what to bring up, and reads its progress. Until it is told to detach, it ends when that process ends.
 */
const authorityLifetimeMs = 30 * 24 * 60 * 60_000;
/** When whoever started the sandbox is gone, nobody waits for a slow application to end. */
const orphanGraceMs = 1000;

function send(message: FromSupervisor): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

/** Standard error is the sandbox's `supervisor.log`. */
function logError(error: unknown): void {
  process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
}

async function reportSettled({ cluster }: Sandbox, { waitTimeoutMs }: SandboxSpec): Promise<void> {
  const ready = await cluster.settled(AbortSignal.timeout(waitTimeoutMs));
  if (ready !== undefined) send({ type: "settled", ready, reports: cluster.reports() });
}

async function main(): Promise<void> {
  let isAttached = true;
  let sandbox: Promise<Sandbox> | undefined;
  const stop = async (graceMs: number): Promise<never> => {
    await (await sandbox)?.stop(graceMs);
    process.exit();
  };
  const stopOrDie = (graceMs: number) => {
    stop(graceMs).catch((error: unknown) => {
      logError(error);
      process.exit(1);
    });
  };
  process.on("disconnect", () => {
    if (isAttached) stopOrDie(orphanGraceMs);
  });
  process.on("SIGTERM", () => stopOrDie(orphanGraceMs));
  const authority = createAuthority({ commonName: "Outrigger sandbox", lifetimeMs: authorityLifetimeMs });
  const [first] = (await once(process, "message")) as [ToSupervisor];
  if (first.type !== "start") throw new Error("the first message is not start");
  process.on("message", (message: ToSupervisor) => {
    if (message.type === "stop") stopOrDie(message.graceMs);
    if (message.type === "detach") isAttached = false;
  });
  sandbox = supervise(first.spec, await authority, send, stopOrDie);
  await reportSettled(await sandbox, first.spec);
}

main().catch((error: unknown) => {
  send({ type: "failed", message: (error as Error).message });
  logError(error);
  setImmediate(() => process.exit(1));
});
