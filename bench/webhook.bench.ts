/**
 * Latency, throughput and memory of the webhook for a Deployment's Pod: `node bench/webhook.bench.ts` prints one JSON
 * document. First for Pods that are each of a workload of its own, then for replicas of one: these differ in what the API
 * server makes new for each Pod. The server is the real command, bundled and started as its Deployment does, in its own process
 * over HTTPS on loopback; the load generator is another process. BENCH_SECONDS sets how long each measurement takes.
 */
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { bundle } from "../deploy/images/bundle.ts";
import { createAuthority, issueServingCertificate } from "../host/x509.ts";
import { allocatorEnvironment, webhookNodeFlags } from "../mesh/node-flags.ts";
import { deploymentPod, reviewOf } from "../test/fixtures/deployment-review.ts";
import type { LoadOrder, LoadReport } from "./load-generator.ts";
import { memoryBytes, processorTime } from "./process.ts";

const run = promisify(execFile);
const hourMs = 3_600_000;
const seconds = Number(process.env.BENCH_SECONDS ?? 5);

async function startServer(folder: string) {
  const authority = await createAuthority({ commonName: "bench", lifetimeMs: hourMs });
  const leaf = await issueServingCertificate(authority, { names: { dns: ["localhost"] }, lifetimeMs: hourMs });
  const [cert, key] = [join(folder, "tls.crt"), join(folder, "tls.key")];
  writeFileSync(cert, leaf.certificate);
  writeFileSync(key, leaf.privateKey, { mode: 0o600 });
  await bundle(join(folder, "bundle"));
  const flags = ["--address", "127.0.0.1", "--port", "0", "--tls-cert", cert, "--tls-key", key, "--drain-delay", "0"];
  const args = [...webhookNodeFlags, join(folder, "bundle", "outrigger.mjs"), "webhook", ...flags];
  const env = { NODE_ENV: "production", ...allocatorEnvironment };
  const server = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], env });
  const port = await new Promise<number>((listening, fail) => {
    server.once("exit", (code) => fail(new Error(`the server ended with ${code}`)));
    const lines = createInterface(server.stdout);
    lines.on("line", (line) => {
      if (!line.includes('"listening"')) return;
      lines.close();
      listening(JSON.parse(line).port);
    });
  });
  // The log goes on; looking at its lines would take processor time from what is measured.
  server.stdout.resume();
  server.removeAllListeners("exit");
  return { port, ca: authority.pem.certificate, pid: server.pid ?? 0, process: server };
}

/** Resident memory in megabytes, now and at its highest. */
function memoryOf(pid: number): { rss: number; peak: number } {
  const { rss, peak } = memoryBytes(pid);
  return { rss: Math.round(rss / 1e6), peak: Math.round(peak / 1e6) };
}

/** What differs in each Pod's review, and what in each workload's besides. */
const freshInPod = ["2a4c2d0c-7f0e-4a53-9d2e-4a4e4d5b9e0a", "x7k2p"];
const freshInWorkload = [...freshInPod, "7d4b9c6f5"];

const folder = mkdtempSync(join(tmpdir(), "outrigger-bench-"));
const server = await startServer(folder);
try {
  const body = JSON.stringify(reviewOf(deploymentPod));
  const load = async (fresh: readonly string[], connections: number, forSeconds = seconds) => {
    const { port, ca } = server;
    const order: LoadOrder = { port, ca, connections, seconds: forSeconds, path: "/inject", body, fresh };
    const generator = join(import.meta.dirname, "load-generator.ts");
    const before = processorTime(server.pid).own;
    const { stdout } = await run(process.execPath, [generator, JSON.stringify(order)]);
    const report = JSON.parse(stdout) as LoadReport;
    // What is left to compare when other programs share the machine.
    const serverMicroseconds = Math.round(((processorTime(server.pid).own - before) * 1000) / report.requests);
    return { ...report, serverMicroseconds };
  };
  const idle = memoryOf(server.pid);
  await load(freshInWorkload, 4, Math.min(2, seconds));
  const both = async (fresh: readonly string[]) => ({
    sequential: await load(fresh, 1),
    saturated: await load(fresh, 16),
  });
  const workloads = await both(freshInWorkload);
  const loaded = memoryOf(server.pid);
  const replicas = await both(freshInPod);
  const report = {
    bench: "webhook",
    podBytes: JSON.stringify(deploymentPod).length,
    milliseconds: { workloads, replicas },
    megabytes: { idle, loaded, loadedByReplicas: memoryOf(server.pid) },
  };
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
} finally {
  server.process.kill("SIGTERM");
  rmSync(folder, { recursive: true });
}
