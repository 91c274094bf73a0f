import { readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { enterSandbox } from "../../../sandbox/commands/exec.ts";
import { findPod } from "../../../sandbox/commands/find-pod.ts";
import { askExec, askStatus } from "../../../sandbox/run/control-client.ts";
import type { StatusAnswer } from "../../../sandbox/supervisor/messages.ts";
import type { PodReport } from "../../../sandbox/supervisor/report.ts";

/** `outrigger sandbox` as a person runs it: the command itself, with YAML files, in sandboxes of their own names. */
export const projectFolder = normalize(join(import.meta.dirname, "../../.."));
export const skip = process.getuid?.() === 0 ? false : "needs root, for network namespaces and mounts";

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `outrigger sandbox …` without waiting for it. */
export function start(args: readonly string[], input = "") {
  return execa(join(projectFolder, "bin/outrigger"), ["sandbox", ...args], { reject: false, input });
}

export async function outrigger(args: readonly string[], input = ""): Promise<Ran> {
  const { exitCode = -1, stdout, stderr } = await start(args, input);
  return { exitCode, stdout: String(stdout), stderr: String(stderr) };
}

let count = 0;
export function newName(): string {
  count += 1;
  return `test-${process.pid}-${count}`;
}

export interface TestSandbox {
  readonly name: string;
  readonly up: Ran;
  /** Runs a command in a Pod; fails when the command does. */
  readonly exec: (pod: string, ...command: readonly string[]) => Promise<string>;
  readonly execIn: (place: ExecPlace, ...command: readonly string[]) => Promise<Ran>;
  readonly logs: (...args: readonly string[]) => Promise<string>;
  readonly status: () => Promise<StatusAnswer>;
  readonly pod: (name: string) => Promise<PodReport>;
  readonly down: () => Promise<Ran>;
}

export interface ExecPlace {
  readonly pod: string;
  readonly container?: string;
  readonly privileged?: boolean;
}

/** What `outrigger sandbox exec` does, without starting the command each time. */
async function execIn(name: string, place: ExecPlace, command: readonly string[]): Promise<Ran> {
  const { namespace, name: pod } = findPod((await askStatus(name)).pods, place.pod, undefined);
  const { container, privileged = false } = place;
  const [file = "", ...args] = enterSandbox(
    name,
    (await askExec(name, { namespace, pod, container, command, privileged })).argv,
  );
  const { exitCode = -1, stdout, stderr } = await execa(file, args, { reject: false, stdin: "ignore", cwd: "/" });
  return { exitCode, stdout, stderr };
}

/** Brings YAML up and returns when `outrigger sandbox up -d` does. */
export async function upSandbox(yaml: string, ...flags: readonly string[]): Promise<TestSandbox> {
  const name = newName();
  const up = await outrigger(["up", "--detach", "--name", name, "--filename", "-", ...flags], yaml);
  return {
    name,
    up,
    execIn: (place, ...command) => execIn(name, place, command),
    exec: async (pod, ...command) => {
      const { exitCode, stdout, stderr } = await execIn(name, { pod }, command);
      if (exitCode !== 0) throw new Error(`${command.join(" ")} in ${pod} ended with ${exitCode}: ${stdout}${stderr}`);
      return stdout;
    },
    logs: async (...args) => (await outrigger(["logs", "--name", name, ...args])).stdout,
    status: () => askStatus(name),
    pod: async (pod) => findPod((await askStatus(name)).pods, pod, undefined),
    down: () => outrigger(["down", "--name", name, "--grace-period", "1"]),
  };
}

/** Waits until `probe` gives something; fails with what it gave or threw last. */
export async function eventually<T>(probe: () => Promise<T | undefined | false>, withinMs = 20_000): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    let last: unknown;
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms`, { cause: last });
    await sleep(50);
  }
}

/** A Pod that waits to be used by `exec`. */
export function idlePod(name: string, extra = ""): string {
  return `
---
apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  containers:
    - { name: main, image: any, command: [sleep, infinity] ${extra} }
`;
}

/** A program that tells who it is, can be made unready, and can be made to crash; over HTTP on 8080 and UDP on 9090. */
export const webYaml = `
---
apiVersion: v1
kind: ConfigMap
metadata: { name: web }
data:
  web.mjs: |
${readFileSync(join(projectFolder, "test/fixtures/sandbox/web.mjs"), "utf8").replaceAll(/^/gm, "    ")}
`;
