import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Authority, issueServingCertificate } from "../../host/x509.ts";
import { OutriggerError } from "../../mesh/errors.ts";
import type { WebhookEndpoint } from "./call.ts";

export interface WebhookOptions {
  readonly node: string;
  readonly project: string;
  readonly authority: Authority;
  /** Where the certificate and its key are kept; in memory. */
  readonly folder: string;
  readonly logFile: string;
  readonly flags: readonly string[];
}

export interface Webhook {
  readonly endpoint: WebhookEndpoint;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

const serverName = "outrigger-webhook.outrigger-system.svc";
const lifetimeMs = 24 * 60 * 60_000;

async function writeCertificate({ authority, folder }: WebhookOptions): Promise<{ certificate: string; key: string }> {
  const { certificate, privateKey } = await issueServingCertificate(authority, {
    names: { dns: [serverName] },
    lifetimeMs,
  });
  const files = { certificate: join(folder, "tls.crt"), key: join(folder, "tls.key") };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(files.certificate, certificate);
  await writeFile(files.key, privateKey, { mode: 0o600 });
  return files;
}

/** The address and port in the log line that the webhook writes when it listens. */
function listening(line: string): { address: string; port: number } | undefined {
  try {
    const { msg, address, port } = JSON.parse(line) as { msg?: string; address?: string; port?: number };
    return msg === "listening" && address !== undefined && port !== undefined ? { address, port } : undefined;
  } catch {
    return undefined;
  }
}

/** Starts `outrigger webhook` and waits until it listens. @throws OutriggerError SANDBOX_FAILED when it ends before */
export async function startWebhook(options: WebhookOptions): Promise<Webhook> {
  const { certificate, key } = await writeCertificate(options);
  const main = join(options.project, "cli/main.ts");
  const tls = ["--tls-cert", certificate, "--tls-key", key];
  const args = [main, "webhook", "--address", "127.0.0.1", "--port", "0", ...tls, ...options.flags];
  const child = spawn(options.node, args, { stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const log = (line: string) => appendFileSync(options.logFile, `${line}\n`);
  createInterface({ input: child.stderr }).on("line", log);
  const place = await new Promise<{ address: string; port: number } | undefined>((resolve) => {
    lines.on("line", (line) => {
      log(line);
      const found = listening(line);
      if (found !== undefined) resolve(found);
    });
    void exited.then(() => resolve(undefined));
  });
  if (place === undefined || child.pid === undefined) {
    const problem = { field: "outrigger webhook", message: `ended before it listened; see ${options.logFile}` };
    throw new OutriggerError("SANDBOX_FAILED", [problem]);
  }
  const stop = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  return { endpoint: { ...place, serverName, authority: options.authority.pem.certificate }, pid: child.pid, stop };
}
