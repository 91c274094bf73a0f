import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { cacheFolder } from "../../test/cluster/machine/binaries.ts";
import { projectFolder } from "../../test/sandbox/mesh-lab/namespaces.ts";

/** Milliseconds, but for the counts. */
export interface Latencies {
  readonly requests: number;
  readonly failed: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface Throughput {
  readonly perSecond: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
}

/** Where a load comes from, and where it goes. */
export interface Route {
  readonly netns: string;
  readonly url: string;
}

const vegetaModule = "github.com/tsenart/vegeta/v12@v12.12.0";

/** Load generators: vegeta (Go) sends at a rate whatever the answers do, wrk (C) as fast as answers come. */
export interface LoadGenerators {
  /** Sends at a fixed rate: an answer that is late delays no other request, and counts with all its time. */
  atRate(route: Route, perSecond: number, seconds: number): Promise<Latencies>;
  /** Sends on each connection as soon as the last answer is there. */
  saturated(route: Route, connections: number, seconds: number): Promise<Throughput>;
}

async function vegetaProgram(): Promise<string> {
  const folder = join(cacheFolder(), vegetaModule.replaceAll("/", "-"));
  const program = join(folder, "vegeta");
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  const go = (await execa(join(projectFolder, "tools", "go.sh"))).stdout;
  await execa(go, ["install", vegetaModule], { env: { GOBIN: folder }, timeout: 300_000 });
  return program;
}

/** As an application would: captured. */
function asApplication(netns: string, ...command: string[]): string[] {
  return ["netns", "exec", netns, "setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", ...command];
}

const round = (value: number) => Number(value.toFixed(3));

function vegetaLatencies(text: string): Latencies {
  const report = JSON.parse(text) as {
    requests: number;
    success: number;
    latencies: Record<"50th" | "90th" | "99th" | "max", number>;
  };
  const ms = (key: keyof typeof report.latencies) => round(report.latencies[key] / 1e6);
  return {
    requests: report.requests,
    failed: Math.round(report.requests * (1 - report.success)),
    ...{ p50: ms("50th"), p90: ms("90th"), p99: ms("99th"), max: ms("max") },
  };
}

/** wrk writes `612.00us`, `1.20ms` or `1.05s`. */
function wrkMilliseconds(text: string, quantile: number): number {
  const [, value = "0", unit = "ms"] = new RegExp(`^ +${quantile}% +([\\d.]+)(us|ms|s)$`, "m").exec(text) ?? [];
  return round(Number(value) * { us: 0.001, ms: 1, s: 1000 }[unit as "us" | "ms" | "s"]);
}

function wrkThroughput(text: string): Throughput {
  const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0);
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const failed = (socketErrors?.slice(1) ?? []).reduce((sum, count) => sum + Number(count), 0);
  return {
    perSecond: Math.round(number(/Requests\/sec: +([\d.]+)/)),
    failed: failed + number(/Non-2xx or 3xx responses: (\d+)/),
    p50: wrkMilliseconds(text, 50),
    p99: wrkMilliseconds(text, 99),
  };
}

/** @returns the generators, installed where they are missing */
export async function loadGenerators(): Promise<LoadGenerators> {
  await execa(join(projectFolder, "tools", "host-packages.sh"), ["bench"]);
  const vegeta = await vegetaProgram();
  return {
    async atRate({ netns, url }, perSecond, seconds) {
      const flags = [`-rate=${perSecond}/1s`, `-duration=${seconds}s`, "-timeout=10s", "-max-body=0"];
      const attack = asApplication(netns, vegeta, "attack", ...flags);
      const attacked = await execa("ip", attack, {
        input: `GET ${url}`,
        encoding: "buffer",
        stripFinalNewline: false,
      });
      const { stdout } = await execa(vegeta, ["report", "-type=json"], { input: attacked.stdout });
      return vegetaLatencies(stdout);
    },
    async saturated({ netns, url }, connections, seconds) {
      const flags = ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency"];
      return wrkThroughput((await execa("ip", asApplication(netns, "wrk", ...flags, url))).stdout);
    },
  };
}
