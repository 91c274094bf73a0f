/**
 * What a CNI ADD costs: `node bench/cni.bench.ts` (as root) prints one JSON document. The plugin's executable is called as
 * a container runtime calls it, in new network namespaces, one at a time and 20 at once; the agent is the real command,
 * bundled, with the cluster's Pods known to it. BENCH_ROUNDS sets how often each is measured.
 *
 * Times are in milliseconds of wall time from the plugin's start to its end, and hold what starting a process costs here
 * (`bareProcess`); `allOfThem` until the last of those at once has ended. `processor` is milliseconds of processor time of one
 * ADD, whatever else runs on the machine. `processes` are those that one ADD starts, the plugin among them.
 */
import { spawn } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "../deploy/images/bundle.ts";
import { serviceNodeFlags } from "../mesh/node-flags.ts";
import { meshedPod } from "../test/sandbox/cni/meshed-pod.ts";
import { type CniNode, createNode } from "../test/sandbox/cni/node.ts";
import { enterProgram, pluginProgram } from "../test/sandbox/cni/programs.ts";
import { add, type Case, configuration, timed } from "./cni/add.ts";
import { childOf, memoryOf, processorTimeOf } from "./cni/usage.ts";

const rounds = Number(process.env.BENCH_ROUNDS ?? 40);
const atOnce = 20;

const meshed: Case = { annotations: { "sidecar.istio.io/status": "{}" }, passAnnotations: true };
/** The plugin sees that no webhook injected it. */
const excluded: Case = { annotations: {}, passAnnotations: true };
/** Only the agent can know it: the runtime passes no annotations. */
const excludedByAgent: Case = { annotations: {}, passAnnotations: false };

function summary(times: readonly number[]) {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (part: number) =>
    Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(1));
  return { min: at(0), median: at(0.5), p95: at(0.95) };
}

async function measure(node: CniNode, pid: number, one: Case, native = false) {
  const pod = meshedPod("web");
  pod.metadata.annotations = one.annotations;
  node.api.setPod(pod);
  // The informer hears of it, and the backend is chosen, outside the measurement.
  await add(node, one, native, "web", node.sandbox());
  const sandboxes = Array.from({ length: rounds }, () => node.sandbox());
  const single: number[] = [];
  const processor = await processorTimeOf(
    async () => {
      for (const sandbox of sandboxes) single.push(await add(node, one, native, "web", sandbox));
      return rounds;
    },
    pid,
    childOf(pid),
  );
  const many: number[] = [];
  const groups = Math.ceil(rounds / atOnce);
  const all: number[] = [];
  for (let round = 0; round < groups; round += 1) {
    const sandboxes = Array.from({ length: atOnce }, () => node.sandbox());
    const start = performance.now();
    many.push(...(await Promise.all(sandboxes.map((sandbox) => add(node, one, native, "web", sandbox)))));
    all.push(performance.now() - start);
  }
  const each = { one: summary(single), atOnce: summary(many), allOfThem: summary(all) };
  return { ...each, processor };
}

/** The plugin's memory while it waits for an agent that is away. */
async function pluginMemory(node: CniNode): Promise<number> {
  const input = configuration(node, meshed, false).replace("/run", "/nobody");
  const env = {
    CNI_COMMAND: "ADD",
    CNI_CONTAINERID: "c",
    CNI_NETNS: "/run/netns/x",
    CNI_IFNAME: "e",
    CNI_ARGS: "K8S_POD_NAMESPACE=a;K8S_POD_NAME=b",
  };
  const child = spawn(plugin, [], { env, stdio: ["pipe", "ignore", "ignore"] });
  child.stdin.end(input);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const { peak } = memoryOf(child.pid ?? 0);
  child.kill("SIGKILL");
  return peak;
}

/** How many processes one ADD starts, seen by what the agent asks its helper for. */
async function processesOf(node: CniNode, one: Case, native: boolean): Promise<number> {
  const [orders, script] = [join(node.folder, "orders"), join(node.folder, "enter")];
  writeFileSync(script, `#!/bin/sh\ntee -a ${orders} | ${enterProgram()}\n`, { mode: 0o755 });
  const pod = meshedPod("web");
  pod.metadata.annotations = one.annotations;
  node.api.setPod(pod);
  const agent = await node.startAgent("--enter-program", script);
  await agent.logged("ready");
  // The first ADD chooses the backend.
  await add(node, one, native, "web", node.sandbox());
  writeFileSync(orders, "");
  await add(node, one, native, "web", node.sandbox());
  await agent.stop();
  return 1 + readFileSync(orders, "utf8").split("\n").length - 1;
}

const plugin = pluginProgram();
const node = await createNode();
try {
  const processes = {
    meshedIptables: await processesOf(node, meshed, false),
    meshedNative: await processesOf(node, meshed, true),
    excluded: await processesOf(node, excluded, false),
  };
  await bundle(join(node.folder, "bundle"));
  const program = [process.execPath, ...serviceNodeFlags, join(node.folder, "bundle", "outrigger.mjs")];
  const agent = await node.startAgentAs(program);
  await agent.logged("ready");
  const pid = agent.process.pid ?? 0;
  const idle = memoryOf(pid);
  const bare: number[] = [];
  for (let round = 0; round < rounds; round += 1) bare.push(await timed("/bin/true", {}, ""));
  const milliseconds = {
    bareProcess: summary(bare),
    meshedIptables: await measure(node, pid, meshed),
    meshedNative: await measure(node, pid, meshed, true),
    excluded: await measure(node, pid, excluded),
    excludedByAgent: await measure(node, pid, excludedByAgent),
  };
  const helper = memoryOf(childOf(pid));
  const megabytes = { plugin: await pluginMemory(node), agent: { idle, loaded: memoryOf(pid) }, helper };
  const report = {
    bench: "cni",
    rounds,
    atOnce,
    milliseconds,
    processes,
    megabytes,
    pluginBytes: statSync(plugin).size,
  };
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  await agent.stop();
} finally {
  await node.close();
}
