/**
 * What a CNI ADD costs: `node bench/cni.bench.ts` (as root) prints one JSON document. The plugin's executable is called as
 * a container runtime calls it, in new network namespaces, one at a time and 20 at once; the agent is the real command,
 * bundled, with the cluster's Pods known to it. BENCH_ROUNDS sets how often each is measured.
 *
 * Times are in milliseconds of wall time from the plugin's start to its end, and hold what starting a process costs here
 * (`bareProcess`). Commands are the processes that the agent starts for one Pod, besides the plugin itself.
 */
import { spawn } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "../deploy/images/bundle.ts";
import { webhookNodeFlags } from "../mesh/node-flags.ts";
import { type CniNode, createNode, meshedPod, pluginProgram, type Sandbox } from "../test/sandbox/cni/node.ts";

const rounds = Number(process.env.BENCH_ROUNDS ?? 40);
const atOnce = 20;
const millisecondsPerTick = 10;

interface Case {
  readonly annotations: Record<string, string>;
  readonly labels?: Record<string, string>;
  /** Whether the runtime passes annotations. */
  readonly passAnnotations: boolean;
}

const meshed: Case = { annotations: { "sidecar.istio.io/status": "{}" }, passAnnotations: true };
/** The plugin sees that no webhook injected it. */
const excluded: Case = { annotations: {}, passAnnotations: true };
/** Only the agent can know it: the runtime passes no annotations. */
const excludedByAgent: Case = { annotations: {}, passAnnotations: false };

function configuration(node: CniNode, one: Case, nativeNftables: boolean): string {
  return JSON.stringify({
    cniVersion: "1.0.0",
    name: "pods",
    type: "outrigger-cni",
    run_directory: join(node.folder, "run"),
    exclude_namespaces: ["kube-system"],
    native_nftables: nativeNftables,
    ...(one.passAnnotations && { runtimeConfig: { "io.kubernetes.cri.pod-annotations": one.annotations } }),
    prevResult: {
      cniVersion: "1.0.0",
      interfaces: [{ name: "eth0" }],
      ips: [{ address: "10.0.0.5/24", interface: 0 }],
    },
  });
}

async function timed(file: string, env: Record<string, string>, input: string): Promise<number> {
  const started = performance.now();
  const child = spawn(file, [], { env, stdio: ["pipe", "pipe", "inherit"] });
  // Who needs no input is gone before it has come.
  child.stdin.on("error", () => undefined).end(input);
  child.stdout.resume();
  const code = await new Promise((resolve) => child.once("close", resolve));
  const elapsed = performance.now() - started;
  if (code !== 0) throw new Error(`${file} ended with ${code}`);
  return elapsed;
}

function summary(times: readonly number[]) {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (part: number) =>
    Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(1));
  return { min: at(0), median: at(0.5), p95: at(0.95) };
}

async function add(node: CniNode, one: Case, native: boolean, name: string, sandbox: Sandbox): Promise<number> {
  const args = `IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=${name};K8S_POD_UID=uid-${name}`;
  const env = {
    CNI_COMMAND: "ADD",
    CNI_CONTAINERID: sandbox.id,
    CNI_NETNS: sandbox.netns,
    CNI_IFNAME: "eth0",
    CNI_PATH: "/opt/cni/bin",
    CNI_ARGS: args,
  };
  return timed(plugin, env, configuration(node, one, native));
}

/** Milliseconds of processor time of a process itself, and of those it started and waited for. */
function processorTime(pid: number | "self"): { own: number; commands: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  const at = (index: number) => Number(fields[index]) * millisecondsPerTick;
  return { own: at(11) + at(12), commands: at(13) + at(14) };
}

/** What one ADD takes of the processors, whatever else runs on them. */
async function processorTimeOf(work: () => Promise<number>, pid: number) {
  const [agent, bench] = [processorTime(pid), processorTime("self")];
  const count = await work();
  const [agentAfter, benchAfter] = [processorTime(pid), processorTime("self")];
  const each = (after: number, before: number) => Number(((after - before) / count).toFixed(1));
  return {
    plugin: each(benchAfter.commands, bench.commands),
    agent: each(agentAfter.own, agent.own),
    agentCommands: each(agentAfter.commands, agent.commands),
  };
}

async function measure(node: CniNode, pid: number, one: Case, native = false) {
  const pod = meshedPod("web");
  pod.metadata.annotations = one.annotations;
  node.api.setPod(pod);
  // The informer hears of it, and the backend is chosen, outside the measurement.
  await add(node, one, native, "web", node.sandbox());
  const before = commands();
  const sandboxes = Array.from({ length: rounds }, () => node.sandbox());
  const single: number[] = [];
  const processor = await processorTimeOf(async () => {
    for (const sandbox of sandboxes) single.push(await add(node, one, native, "web", sandbox));
    return rounds;
  }, pid);
  const started = (commands() - before) / rounds;
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
  return { ...each, processor, commands: Number(started.toFixed(1)) };
}

function memoryOf(pid: number): { rss: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const megabytes = (field: string) =>
    Number(((Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) * 1024) / 1e6).toFixed(1));
  return { rss: megabytes("VmRSS"), peak: megabytes("VmHWM") };
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

const plugin = pluginProgram();
const node = await createNode();
const spawned = join(node.folder, "spawned");
const commands = () => statSync(spawned).size;
writeFileSync(spawned, "");
const counter = join(node.folder, "count.mjs");
writeFileSync(
  counter,
  `import { subscribe } from "node:diagnostics_channel"; import { appendFileSync } from "node:fs";
subscribe("child_process", () => appendFileSync(${JSON.stringify(spawned)}, "."));`,
);
try {
  await bundle(join(node.folder, "bundle"));
  const program = [
    process.execPath,
    ...webhookNodeFlags,
    "--import",
    counter,
    join(node.folder, "bundle", "outrigger.mjs"),
  ];
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
  const megabytes = { plugin: await pluginMemory(node), agent: { idle, loaded: memoryOf(pid) } };
  const report = { bench: "cni", rounds, atOnce, milliseconds, megabytes, pluginBytes: statSync(plugin).size };
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  await agent.stop();
} finally {
  await node.close();
}
