import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { OutriggerError } from "../../mesh/errors.ts";

export interface DiscoveryOptions {
  readonly node: string;
  readonly project: string;
  /** The node's address, where Pods reach it. */
  readonly address: string;
  /** Where its authority and what it reads are kept; in memory. */
  readonly folder: string;
  readonly logFile: string;
  /** PEM of the key that the sandbox's tokens are signed for, and their issuer. */
  readonly tokens: { readonly publicKey: string; readonly issuer: string };
}

export interface Discovery {
  /** Undefined once it has ended. */
  readonly pid: () => number | undefined;
  /** For the webhook: how sidecars find it. */
  readonly webhookFlags: readonly string[];
  /** Tells it what the cluster is now. */
  readonly write: (objects: unknown) => void;
  readonly stop: () => Promise<void>;
}

/** Nothing else listens in the sandbox's own network. */
const ports = { ads: 15012, http: 15014 } as const;

function flagsFor({ address, folder, tokens }: DiscoveryOptions, files: { objects: string; key: string }): string[] {
  return [
    ...["--address", address, "--port", String(ports.ads), "--http-port", String(ports.http)],
    ...["--serving-name", address, "--drain", "0"],
    ...["--objects", files.objects, "--ca-folder", join(folder, "ca"), "--create-ca"],
    ...["--token-key", files.key, "--token-issuer", tokens.issuer],
  ];
}

/** Starts `outrigger discovery` and waits until it listens. @throws OutriggerError SANDBOX_FAILED when it ends before */
export async function startDiscovery(options: DiscoveryOptions): Promise<Discovery> {
  const { node, project, address, folder, logFile, tokens } = options;
  const files = { objects: join(folder, "cluster.json"), key: join(folder, "token.pub") };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(files.key, tokens.publicKey);
  const write = (objects: unknown) => {
    writeFileSync(`${files.objects}.new`, JSON.stringify(objects));
    renameSync(`${files.objects}.new`, files.objects);
  };
  write({ kind: "List", items: [] });
  const args = [join(project, "cli/main.ts"), "discovery", ...flagsFor(options, files)];
  const child = spawn(node, args, { stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(child, "exit");
  const log = (line: string) => appendFileSync(logFile, `${line}\n`);
  createInterface({ input: child.stderr }).on("line", log);
  const isListening = await new Promise<boolean>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      log(line);
      if (line.includes('"msg":"listening"')) resolve(true);
    });
    void exited.then(() => resolve(false));
  });
  if (!isListening || child.pid === undefined) {
    const problem = { field: "outrigger discovery", message: `ended before it listened; see ${logFile}` };
    throw new OutriggerError("SANDBOX_FAILED", [problem]);
  }
  const stop = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  const host = address.includes(":") ? `[${address}]` : address;
  const authority = join(folder, "ca", "discovery-root-cert.pem");
  const webhookFlags = ["--discovery-address", `${host}:${ports.ads}`, "--discovery-ca", authority];
  const pid = () => (child.exitCode === null && child.signalCode === null ? child.pid : undefined);
  return { pid, webhookFlags, write, stop };
}
