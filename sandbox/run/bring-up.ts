import { readFileSync, rmSync } from "node:fs";
import type { FromSupervisor, SandboxSpec } from "../supervisor/messages.ts";
import { claimFolder, supervisorLog } from "./folder.ts";
import { project } from "./prepare.ts";
import { type StartedSandbox, startSandbox } from "./start.ts";

export type SandboxInput = Omit<SandboxSpec, "runFolder" | "project">;

export interface BringUpOptions {
  readonly spec: SandboxInput;
  readonly detach: boolean;
  readonly graceMs: number;
  readonly onMessage: (message: FromSupervisor) => void;
  /** Called when all is ready and the sandbox stays. */
  readonly hint: () => void;
}

const longestWords = 2000;
const exitCodes = { ready: 0, notReady: 1, interrupted: 130 } as const;

/** How bringing up ended; `interrupted` when the sandbox ended before. */
export type Outcome = "ready" | "not-ready" | "failed" | "interrupted";

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

export interface OpenedSandbox {
  readonly sandbox: StartedSandbox;
  readonly runFolder: string;
  readonly outcome: Promise<Outcome>;
}

/**
 * Starts a sandbox, which ends with this process unless it is detached.
 * @throws OutriggerError SANDBOX_FAILED when one of that name is up
 */
export function openSandbox(spec: SandboxInput, onMessage: (message: FromSupervisor) => void): OpenedSandbox {
  const runFolder = claimFolder(spec.name);
  const outcome = Promise.withResolvers<Outcome>();
  const sandbox = startSandbox({ ...spec, runFolder, project }, (message) => {
    onMessage(message);
    if (message.type === "settled") outcome.resolve(message.ready ? "ready" : "not-ready");
    if (message.type === "failed") outcome.resolve("failed");
  });
  void sandbox.exited.then(() => outcome.resolve("interrupted"));
  return { sandbox, runFolder, outcome: outcome.promise };
}

/** What the supervisor has written, in case it ended by a fault of its own. */
function lastWords(runFolder: string): string {
  try {
    const text = readFileSync(supervisorLog(runFolder), "utf8").trim().slice(-longestWords);
    return text === "" ? "" : `; its last words:\n${text}`;
  } catch {
    return "";
  }
}

/**
 * Brings a sandbox up. Attached, it stays until a signal or `outrigger sandbox down` ends it; detached, it returns when
 * the Pods are ready, or one never will be.
 * @returns the exit code: 0 when all became ready
 */
export async function bringUp(options: BringUpOptions): Promise<number> {
  let interrupted = false;
  const { sandbox, runFolder, outcome } = openSandbox(options.spec, options.onMessage);
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
  const said = lastWords(runFolder);
  rmSync(runFolder, { recursive: true, force: true });
  if (!endedAsAsked && !interrupted && result !== "failed") {
    options.onMessage({ type: "failed", message: `the sandbox was killed; nothing of it is left${said}` });
  }
  if (result === "ready") return endedAsAsked || interrupted ? exitCodes.ready : exitCodes.notReady;
  return interrupted && result === "interrupted" ? exitCodes.interrupted : exitCodes.notReady;
}
