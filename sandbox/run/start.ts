import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import type { FromSupervisor, SandboxSpec, ToSupervisor } from "../supervisor/messages.ts";
import { readState, supervisorLog, writeState } from "./folder.ts";
import { identify } from "./process-identity.ts";

const supervisorFolder = join(import.meta.dirname, "../supervisor");

/** A sandbox that this process has started. */
export interface StartedSandbox {
  /** Lets it live on when this process ends. */
  readonly detach: () => void;
  readonly stop: (graceMs: number) => void;
  /** Ends it at once. */
  readonly kill: () => void;
  /** How it ended: true when it was asked to. */
  readonly exited: Promise<boolean>;
}

/** Namespaces of its own for everything: what is made in them vanishes when their first process ends. */
const namespaces = ["--net", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child=KILL", "--mount-proc"];

function tell(child: ChildProcess, message: ToSupervisor): void {
  if (child.connected) child.send(message, () => undefined);
}

/** Starts the supervisor of a sandbox whose folder this process has claimed. */
export function startSandbox(spec: SandboxSpec, onMessage: (message: FromSupervisor) => void): StartedSandbox {
  const log = openSync(supervisorLog(spec.runFolder), "a", 0o600);
  const command = [process.execPath, join(supervisorFolder, "main.ts")];
  const init = ["/bin/sh", join(supervisorFolder, "init.sh"), spec.runFolder];
  const { PATH = "/usr/sbin:/usr/bin:/sbin:/bin" } = process.env;
  const child = spawn("unshare", [...namespaces, "--", ...init, ...command], {
    stdio: ["ignore", log, log, "ipc"],
    // A session of its own: Ctrl-C at the terminal is for us, and we say when to stop.
    detached: true,
    cwd: "/",
    env: { PATH, HOME: "/root" },
  });
  closeSync(log);
  const exited = new Promise<boolean>((resolve) => {
    child.once("exit", (code) => resolve(code === 0));
    child.once("error", (error) => {
      onMessage({ type: "failed", message: error.message });
      resolve(false);
    });
  });
  const state = readState(spec.runFolder);
  const supervisor = child.pid === undefined ? undefined : identify(child.pid);
  if (state !== undefined && supervisor !== undefined) writeState(spec.runFolder, { ...state, supervisor });
  child.on("message", (message) => onMessage(message as FromSupervisor));
  tell(child, { type: "start", spec });
  return {
    detach: () => {
      child.send({ type: "detach" } satisfies ToSupervisor, () => child.disconnect());
      child.unref();
    },
    stop: (graceMs) => tell(child, { type: "stop", graceMs }),
    kill: () => void child.kill("SIGKILL"),
    exited,
  };
}
