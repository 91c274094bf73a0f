import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { containers } from "../../mesh/names.ts";
import { enterSandbox } from "../commands/exec.ts";
import { findPod } from "../commands/find-pod.ts";
import { askExec } from "../run/control-client.ts";
import { runFolder } from "../run/folder.ts";
import type { StatusAnswer } from "../supervisor/messages.ts";
import { parseAccessLog } from "./access-log.ts";
import { type ChainCounters, chainCounters } from "./counters.ts";
import { type Hop, hopOf, namesOf, orderHops, workloadName } from "./hops.ts";
import type { DemoAnswer, Scenario } from "./scenario.ts";

const requestMs = 15_000;
/** Envoy writes its access log a few times a second. */
const logPatienceMs = 5000;
const pollMs = 50;

interface Ran {
  readonly ok: boolean;
  readonly output: string;
}

/** The command line that runs `command` in a Pod of the workload. */
export async function commandIn(
  name: string,
  status: StatusAnswer,
  workload: string,
  command: readonly string[],
  privileged = false,
): Promise<string[]> {
  const pod = findPod(status.pods, workload, undefined);
  const request = { namespace: pod.namespace, pod: pod.name, container: undefined, command, privileged };
  return enterSandbox(name, (await askExec(name, request)).argv);
}

export async function execIn(
  name: string,
  status: StatusAnswer,
  workload: string,
  command: readonly string[],
  privileged = false,
): Promise<Ran> {
  return await runProgram(await commandIn(name, status, workload, command, privileged));
}

export async function runProgram([file = "", ...args]: readonly string[]): Promise<Ran> {
  const result = await execa(file, args, { reject: false, all: true, stdin: "ignore", timeout: requestMs, cwd: "/" });
  return { ok: result.exitCode === 0, output: result.all };
}

/** What the sidecars' access logs say of a request, so far. */
function readHops(name: string, status: StatusAnswer, requestId: string): Hop[] {
  const names = namesOf(status);
  const hops = status.pods.flatMap((pod) => {
    const folder = join(runFolder(name), "logs", pod.namespace, pod.name, containers.proxy);
    if (!pod.containers.some((container) => container.name === containers.proxy)) return [];
    const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), "utf8").split("\n"));
    const entries = lines
      .flatMap((line) => parseAccessLog(line) ?? [])
      .filter((entry) => entry.requestId === requestId);
    return entries.map((entry) => hopOf(workloadName(pod.workload), entry, names));
  });
  return orderHops(hops);
}

async function waitForHops(name: string, status: StatusAnswer, requestId: string, count: number): Promise<Hop[]> {
  const deadline = Date.now() + logPatienceMs;
  for (;;) {
    const hops = readHops(name, status, requestId);
    if (hops.length >= count || Date.now() > deadline) return hops;
    await sleep(pollMs);
  }
}

/** Sends requests from inside a container, all at once, and gathers where each has passed. */
export async function send(name: string, status: StatusAnswer, scenario: Scenario, count = 1): Promise<DemoAnswer[]> {
  const ids = Array.from({ length: count }, () => randomUUID());
  const command = ["node", "/shop/get.mjs", scenario.url, `x-request-id=${ids.join(",")}`];
  const { ok, output } = await execIn(name, status, scenario.from, command);
  const bodies = output.split("\n");
  const answers = ids.map(async (requestId, index): Promise<DemoAnswer> => {
    const hops = await waitForHops(name, status, requestId, scenario.path.length);
    return { scenario, requestId, body: ok ? bodies[index] : undefined, hops };
  });
  return await Promise.all(answers);
}

/** The packets that have entered the capture chains of each workload's Pod. */
export async function readCounters(name: string, status: StatusAnswer): Promise<Map<string, ChainCounters>> {
  const read = status.pods.map(async ({ workload }): Promise<[string, ChainCounters]> => {
    const short = workloadName(workload);
    const { output } = await execIn(name, status, short, ["iptables-save", "-c", "-t", "nat"], true);
    return [short, chainCounters(output)];
  });
  return new Map(await Promise.all(read));
}
