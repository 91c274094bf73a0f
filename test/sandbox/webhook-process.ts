import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { type Authority, createAuthority, issueServingCertificate } from "../../host/x509.ts";
import type { CertificatePem } from "../../host/x509-keys.ts";

const hourMs = 3_600_000;

/** A folder as the kubelet mounts a Secret or a ConfigMap: files that lead through `..data`, swapped as a whole. */
export function mount(folder: string, files: Readonly<Record<string, string>>): void {
  const name = `..${Date.now()}-${Math.random()}`;
  mkdirSync(join(folder, name), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, name, file), text);
  symlinkSync(name, join(folder, "..data_tmp"));
  renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
  for (const file of Object.keys(files)) {
    const link = join(folder, file);
    if (!existsSync(link)) symlinkSync(join("..data", file), link);
  }
}

/** A Secret of type kubernetes.io/tls. */
export function mountSecret(folder: string, { certificate, privateKey }: CertificatePem): void {
  mount(folder, { "tls.crt": certificate, "tls.key": privateKey });
}

export interface WebhookAnswer {
  readonly code: number;
  readonly body: string;
  readonly connection: string | undefined;
}

export type WebhookProcess = WebhookCommand &
  ReturnType<typeof webhookClient> & {
    readonly authority: Authority;
    /** Where the certificate is mounted. */
    readonly folder: string;
  };

export async function newLeaf(authority: Authority, dns = "localhost"): Promise<CertificatePem> {
  return await issueServingCertificate(authority, { names: { dns: [dns], ip: ["127.0.0.1"] }, lifetimeMs: hourMs });
}

async function answerOf(response: IncomingMessage): Promise<WebhookAnswer> {
  const body = Buffer.concat((await response.toArray()) as Buffer[]).toString();
  return { code: response.statusCode ?? 0, body, connection: response.headers.connection };
}

/** Sends one HTTPS request on a new connection, and checks the certificate's chain and name. */
function send(
  { port, ca, servername }: { port: number; ca: string; servername: string },
  method: string,
  path: string,
  body?: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<WebhookAnswer> {
  return new Promise((done, fail) => {
    const request = httpsRequest({
      host: "127.0.0.1",
      servername,
      port,
      ca,
      method,
      path,
      headers,
      agent: false,
    });
    request.once("response", (response: IncomingMessage) => answerOf(response).then(done, fail));
    request.once("error", fail);
    request.end(body);
  });
}

function followLog(child: ChildProcess) {
  const log: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  if (child.stdout === null) throw new Error("no standard output");
  createInterface(child.stdout).on("line", (line) => {
    log.push(JSON.parse(line));
    for (const check of waiting) check();
  });
  const logged = (message: string, from = 0) =>
    new Promise<Record<string, unknown>>((done) => {
      const check = () => {
        const found = log.slice(from).find(({ msg }) => msg === message);
        if (found === undefined) return;
        waiting.delete(check);
        done(found);
      };
      waiting.add(check);
      check();
    });
  return { log, logged };
}

export interface WebhookCommand {
  readonly port: number;
  readonly process: ChildProcess;
  /** The log lines so far. */
  readonly log: readonly Record<string, unknown>[];
  /** Waits for a log line. */
  readonly logged: (message: string, from?: number) => Promise<Record<string, unknown>>;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts the real `outrigger webhook` on a free port of loopback, and waits until it listens; it ends with the test. */
export async function startCommand(
  t: Pick<TestContext, "after">,
  flags: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<WebhookCommand> {
  const command = join(import.meta.dirname, "../../bin/outrigger");
  const fixed = ["webhook", "--address", "127.0.0.1", "--port", "0", "--drain-delay", "0"];
  const env = { ...process.env, ...environment };
  const child = spawn(command, [...fixed, ...flags], { stdio: ["ignore", "pipe", "inherit"], env });
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((done) => {
    child.once("exit", (code, signal) => done({ code, signal }));
  });
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const { log, logged } = followLog(child);
  const early = ended.then(() => Promise.reject(new Error("the webhook ended before it listened")));
  early.catch(() => undefined);
  const { port } = (await Promise.race([logged("listening"), early])) as { port: number };
  return { port, process: child, log, logged, ended };
}

/** Sends requests to a webhook that is trusted by `ca`. */
export function webhookClient(port: number, ca: string, servername = "localhost") {
  const target = { port, ca, servername };
  const json = { "content-type": "application/json" };
  return {
    get: (path: string) => send(target, "GET", path),
    /** Posts on a connection of its own. */
    post: (body: string | Buffer, headers?: Readonly<Record<string, string>>) =>
      send(target, "POST", "/inject", body, { ...json, ...headers }),
  };
}

/** Starts the real `outrigger webhook` with a certificate of a new authority in files. */
export async function startWebhook(t: TestContext, flags: readonly string[] = []): Promise<WebhookProcess> {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-webhook-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const authority = await createAuthority({ commonName: "test CA", lifetimeMs: hourMs });
  mountSecret(folder, await newLeaf(authority));
  const files = ["--tls-cert", join(folder, "tls.crt"), "--tls-key", join(folder, "tls.key")];
  const command = await startCommand(t, [...files, ...flags]);
  return { ...command, ...webhookClient(command.port, authority.pem.certificate), authority, folder };
}
