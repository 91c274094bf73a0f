import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ApiServer } from "./api-server.ts";
import { enterProgram } from "./programs.ts";

export interface Agent {
  readonly process: ChildProcess;
  /** Every line of its log, parsed. */
  readonly lines: Record<string, unknown>[];
  /** Waits for a log line with that message. */
  logged(message: string): Promise<Record<string, unknown>>;
  /** Sends SIGTERM and waits for the end; returns the exit code, or the signal that ended it. */
  stop(): Promise<number | NodeJS.Signals | null>;
}

export function agentStarter(node: { folder: string; api: ApiServer; programFolder: string; program: string }) {
  return async ([file = "", ...before]: readonly string[], ...flags: readonly string[]): Promise<Agent> => {
    const account = join(node.folder, "account");
    node.api.writeServiceAccount(account);
    const args = [
      ...[
        "cni",
        "agent",
        "--node-name",
        "node-1",
        "--pod-name",
        "outrigger-cni-abcde",
        "--namespace",
        "outrigger-system",
      ],
      ...["--service-account-folder", account],
      ...["--run-directory", join(node.folder, "run"), "--program", node.program],
      ...["--enter-program", enterProgram()],
      ...["--program-folder", node.programFolder, "--configuration-folder", join(node.folder, "net.d")],
      ...["--namespace-folder", "/run/netns", "--cache-folder", join(node.folder, "cache")],
      ...["--exclude-namespace", "kube-system", "--health-address", "127.0.0.1", "--health-port", "0", ...flags],
    ];
    const child = spawn(file, [...before, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(node.api.port) },
    });
    return agentOf(child);
  };
}

function agentOf(child: ChildProcess): Agent {
  const lines: Record<string, unknown>[] = [];
  const waiting: { message: string; resolve: (line: Record<string, unknown>) => void }[] = [];
  if (child.stdout === null) throw new Error("the agent has no standard output");
  createInterface(child.stdout).on("line", (text) => {
    const line = JSON.parse(text) as Record<string, unknown>;
    lines.push(line);
    for (const one of waiting.filter(({ message }) => message === line.msg)) one.resolve(line);
  });
  const exited = new Promise<number | NodeJS.Signals | null>((resolve) => {
    // Not before its last line was read.
    child.once("close", (code, signal) => resolve(code ?? signal));
  });
  return {
    process: child,
    lines,
    async logged(message) {
      const known = lines.find(({ msg }) => msg === message);
      if (known !== undefined) return known;
      const line = new Promise<Record<string, unknown>>((resolve) => waiting.push({ message, resolve }));
      const ended = exited.then((code) => {
        throw new Error(`the agent ended with ${code} before it logged "${message}": ${JSON.stringify(lines)}`);
      });
      return Promise.race([line, ended]);
    },
    async stop() {
      child.kill("SIGTERM");
      return exited;
    },
  };
}
