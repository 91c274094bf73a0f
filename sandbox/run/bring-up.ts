import { rmSync } from "node:fs";
import type { FromSupervisor, SandboxSpec } from "../supervisor/messages.ts";
import { claimFolder } from "./folder.ts";
import { project } from "./prepare.ts";
import { type StartedSandbox, startSandbox } from "./start.ts";

export interface BringUpOptions extends Omit<SandboxSpec, "runFolder" | "project"> {
  readonly detach: boolean;
  readonly graceMs: number;
  readonly onMessage: (message: FromSupervisor) => void;
  /** Called when all is ready and the sandbox stays. */
  readonly hint: () => void;
}

const exitCodes = { ready: 0, notReady: 1, interrupted: 130 } as const;

type Outcome = "ready" | "not-ready" | "failed" | "interrupted";

/** The first Ctrl-C takes the sandbox down; a second one does not wait. */
function stopOnSignals(sandbox: StartedSandbox, graceMs: number, onSignal: () => void): () => void {
  let asked = false;
  const handler = () => {
    onSignal();
    if (asked) sandbox.kill();
    else sandbox.stop(graceMs);
    asked = true;
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, handler);
  return () => {
    for (const signal of signals) process.off(signal, handler);
  };
}

function begin(options: BringUpOptions, runFolder: string): { sandbox: StartedSandbox; outcome: Promise<Outcome> } {
  const outcome = Promise.withResolvers<Outcome>();
  const { detach: _, graceMs: __, onMessage, hint: ___, ...spec } = options;
  const sandbox = startSandbox({ ...spec, runFolder, project }, (message) => {
    onMessage(message);
    if (message.type === "settled") outcome.resolve(message.ready ? "ready" : "not-ready");
    if (message.type === "failed") outcome.resolve("failed");
  });
  void sandbox.exited.then(() => outcome.resolve("interrupted"));
  return { sandbox, outcome: outcome.promise };
}

/**
 * Brings a sandbox up. Attached, it stays until a signal or `outrigger sandbox down` ends it; detached, it returns when
 * the Pods are ready, or one never will be.
 * @returns the exit code: 0 when all became ready
 */
export async function bringUp(options: BringUpOptions): Promise<number> {
  const runFolder = claimFolder(options.name);
  let interrupted = false;
  const { sandbox, outcome } = begin(options, runFolder);
  const ignoreSignals = stopOnSignals(sandbox, options.graceMs, () => {
    interrupted = true;
  });
  const result = await outcome;
  const stays = (result === "ready" || result === "not-ready") && !interrupted;
  if (stays) options.hint();
  if (stays && options.detach) {
    ignoreSignals();
    sandbox.detach();
    return result === "ready" ? exitCodes.ready : exitCodes.notReady;
  }
  const endedAsAsked = await sandbox.exited;
  rmSync(runFolder, { recursive: true, force: true });
  if (!endedAsAsked && !interrupted && result !== "failed") {
    options.onMessage({ type: "failed", message: "the sandbox was killed; nothing of it is left" });
  }
  if (result === "ready") return endedAsAsked || interrupted ? exitCodes.ready : exitCodes.notReady;
  return interrupted && result === "interrupted" ? exitCodes.interrupted : exitCodes.notReady;
}
