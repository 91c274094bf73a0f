import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { ObjectMeta } from "../../mesh/pod.ts";
import { meshedPod } from "./cni/meshed-pod.ts";
import { CniFailure, type CniNode, createNode, unfitForCni } from "./cni/node.ts";
import { eventually } from "./pod-network.ts";

const skip = unfitForCni();

/** These race an agent's start against the plugin's patience: a starved machine loses, and that says nothing of the code. */
const skipTimed =
  skip ||
  (process.env.OUTRIGGER_TIMED_TESTS === "1" ? false : "races the plugin's patience: OUTRIGGER_TIMED_TESTS=1 runs it");

async function node(t: TestContext, options?: { ipv6?: boolean }): Promise<CniNode> {
  const made = await createNode(options);
  t.after(() => made.close());
  return made;
}

async function withAgent(t: TestContext, options: { ipv6?: boolean } = {}, ...flags: readonly string[]) {
  const made = await node(t, options);
  const agent = await made.startAgent(...flags);
  t.after(() => agent.stop());
  await agent.logged("ready");
  return { node: made, agent };
}

const types = (file: string): string[] =>
  (JSON.parse(readFileSync(file, "utf8")) as { plugins: { type: string }[] }).plugins.map(({ type }) => type);

function rules(save: string): string[] {
  return save.split("\n").filter((line) => line.startsWith("-A"));
}

async function failure(call: Promise<unknown>): Promise<CniFailure> {
  try {
    await call;
  } catch (error) {
    if (error instanceof CniFailure) return error;
    throw error;
  }
  return assert.fail("the call succeeded");
}

test("ADD through bridge and portmap writes the rules, and CHECK and DEL follow", { skip }, async (t) => {
  const { node, agent } = await withAgent(t);
  assert.deepEqual(types(node.networkFile), ["bridge", "portmap", "outrigger-cni"]);
  const pod = meshedPod("web-0");
  node.api.setPod(pod);
  const sandbox = node.sandbox();
  const result = await node.call("ADD", sandbox, pod, { annotations: true });
  assert.match(result?.ips?.[0]?.address ?? "", /^10\.87\.\d+\.\d+\/16$/);
  assert.deepEqual(
    result?.interfaces?.map(({ name, sandbox }) => [name.replace(/^veth.*/, "veth"), sandbox !== undefined]),
    [
      ["cni0", false],
      ["veth", false],
      ["eth0", true],
    ],
  );
  const saved = sandbox.run("iptables-save", "-t", "nat");
  assert.ok(rules(saved).includes("-A PREROUTING -p tcp -j ISTIO_INBOUND"), saved);
  assert.ok(rules(saved).includes("-A OUTPUT -j ISTIO_OUTBOUND"), saved);
  await node.call("CHECK", sandbox, pod, { annotations: true });
  await node.call("DEL", sandbox, pod, { annotations: true });
  const served = agent.lines.filter(({ msg }) => msg === "served");
  assert.deepEqual(
    served.map(({ command, rule, namespace, pod }) => [command, rule, namespace, pod]),
    [
      ["ADD", "injected", "shop", "web-0"],
      ["CHECK", "injected", "shop", "web-0"],
    ],
  );
});

test("CHECK finds rules that somebody took away or changed", { skip }, async (t) => {
  const { node } = await withAgent(t);
  const pod = meshedPod("web-0");
  node.api.setPod(pod);
  const sandbox = node.sandbox();
  await node.call("ADD", sandbox, pod);
  sandbox.run("iptables", "-t", "nat", "-D", "OUTPUT", "-j", "ISTIO_OUTBOUND");
  const { code, message } = await failure(node.call("CHECK", sandbox, pod));
  assert.equal(code, 103);
  assert.match(message, /OUTPUT/);
});

interface Excluded {
  readonly what: string;
  readonly metadata: ObjectMeta;
  /** The rule that the agent gives; undefined when the plugin does not even ask it. */
  readonly rule?: string;
}

const excluded: readonly Excluded[] = [
  { what: "of an excluded namespace", metadata: { namespace: "kube-system" } },
  { what: "that no webhook injected", metadata: { annotations: {} } },
  { what: "whose label says no", metadata: { labels: { "sidecar.istio.io/inject": "false" } }, rule: "inject-label" },
  {
    what: "with interception mode NONE",
    metadata: { annotations: { "sidecar.istio.io/status": "", "sidecar.istio.io/interceptionMode": "NONE" } },
    rule: "interception-mode-none",
  },
];
for (const { what, metadata, rule } of excluded) {
  test(`a Pod ${what} gets no rules: ${rule ?? "by the plugin alone"}`, { skip }, async (t) => {
    const { node, agent } = await withAgent(t);
    const pod = meshedPod("web-0");
    Object.assign(pod.metadata, metadata);
    node.api.setPod(pod);
    const sandbox = node.sandbox();
    const result = await node.call("ADD", sandbox, pod, { annotations: true });
    assert.match(result?.ips?.[0]?.address ?? "", /^10\.87\./);
    assert.deepEqual(rules(sandbox.run("iptables-save")), []);
    assert.deepEqual(sandbox.run("nft", "list", "ruleset"), "");
    const seen = agent.lines.filter(({ msg }) => msg === "served").map((line) => line.rule);
    assert.deepEqual(seen, rule === undefined ? [] : [rule]);
  });
}

test("both families of a dual-stack Pod are captured; IPv4 alone without dual stack", { skip }, async (t) => {
  const { node } = await withAgent(t, { ipv6: true });
  const pod = meshedPod("dual");
  pod.spec.containers[1] = { name: "istio-proxy", env: [{ name: "ISTIO_DUAL_STACK", value: "true" }] };
  const single = meshedPod("single");
  for (const one of [pod, single]) node.api.setPod(one);
  const [dualBox, singleBox] = [node.sandbox(), node.sandbox()];
  await node.call("ADD", dualBox, pod);
  await node.call("ADD", singleBox, single);
  assert.ok(rules(dualBox.run("ip6tables-save")).includes("-A OUTPUT -j ISTIO_OUTBOUND"));
  assert.ok(rules(dualBox.run("iptables-save")).includes("-A OUTPUT -j ISTIO_OUTBOUND"));
  assert.match(dualBox.run("ip", "-6", "address", "show", "lo"), /inet6 ::6\/128/);
  assert.deepEqual(rules(singleBox.run("ip6tables-save")), []);
});

test("native nftables on demand, and TPROXY with its routes", { skip }, async (t) => {
  const { node } = await withAgent(t, {}, "--native-nftables");
  const pod = meshedPod("web-0", { "sidecar.istio.io/interceptionMode": "TPROXY" });
  node.api.setPod(pod);
  const sandbox = node.sandbox();
  await node.call("ADD", sandbox, pod);
  assert.match(sandbox.run("nft", "list", "ruleset"), /table (ip|inet) istio-proxy-mangle/);
  assert.match(sandbox.run("ip", "rule"), /fwmark 0x539 lookup 133/);
  assert.match(sandbox.run("ip", "route", "show", "table", "133"), /local default dev lo/);
  await node.call("CHECK", sandbox, pod);
});

test("a bad annotation is refused with its name, and leaves no rule", { skip }, async (t) => {
  const { node } = await withAgent(t);
  const pod = meshedPod("web-0", { "traffic.sidecar.istio.io/excludeInterfaces": "eth0 -j ACCEPT" });
  node.api.setPod(pod);
  const sandbox = node.sandbox();
  const { code, message } = await failure(node.call("ADD", sandbox, pod));
  assert.equal(code, 100);
  assert.match(message, /metadata\.annotations\["traffic\.sidecar\.istio\.io\/excludeInterfaces"\]/);
  assert.deepEqual(rules(sandbox.run("iptables-save")), []);
  await node.call("DEL", sandbox, pod);
});

test("a Pod that the agent has not heard of is read from the API server; one that is gone is refused", {
  skip,
}, async (t) => {
  const { node } = await withAgent(t);
  const { code, message } = await failure(node.call("ADD", node.sandbox(), meshedPod("ghost")));
  assert.equal(code, 11);
  assert.match(message, /Pod shop\/ghost \(uid-ghost\) does not exist any more/);
  const other = meshedPod("web-0");
  node.api.setPod(other);
  const later = { ...other, metadata: { ...other.metadata, uid: "another" } };
  assert.equal((await failure(node.call("ADD", node.sandbox(), later))).code, 11);
});

test("without its agent the plugin lets unmeshed Pods start, refuses meshed ones with what to do, and DEL succeeds", {
  skip,
}, async (t) => {
  const { node, agent } = await withAgent(t);
  const pod = meshedPod("web-0");
  node.api.setPod(pod);
  assert.equal(await agent.stop(), 0);
  assert.deepEqual(types(node.networkFile), ["bridge", "portmap", "outrigger-cni"], "it stays in the chain");
  const plain = meshedPod("plain");
  plain.metadata.annotations = {};
  await node.call("ADD", node.sandbox(), plain, { annotations: true });
  const own = meshedPod("outrigger-cni-x7k2p");
  own.metadata.namespace = "outrigger-system";
  await node.call("ADD", node.sandbox(), own);
  const sandbox = node.sandbox();
  const { code, message, details } = await failure(node.call("ADD", sandbox, pod, { annotations: true }));
  assert.equal(code, 11);
  assert.match(message, /the Outrigger node agent did not answer on .*agent\.sock for/);
  assert.match(details ?? "", /look at the agent's Pod on this node \(label app=outrigger-cni\)/);
  await node.call("DEL", sandbox, pod);
  await node.call("DEL", { ...sandbox, netns: "" }, pod);
});

test("an agent that comes back within the plugin's patience serves the Pod that waits", {
  skip: skipTimed,
}, async (t) => {
  const { node, agent } = await withAgent(t);
  const pod = meshedPod("web-0");
  node.api.setPod(pod);
  await agent.stop();
  const sandbox = node.sandbox();
  const adding = node.call("ADD", sandbox, pod);
  const next = await node.startAgent();
  t.after(() => next.stop());
  await adding;
  assert.ok(rules(sandbox.run("iptables-save")).includes("-A OUTPUT -j ISTIO_OUTBOUND"));
});

test("a newer agent takes over while the older one still runs, and no request is lost", {
  skip: skipTimed,
}, async (t) => {
  const { node, agent } = await withAgent(t);
  const pods = Array.from({ length: 12 }, (_, index) => meshedPod(`web-${index}`));
  for (const pod of pods) node.api.setPod(pod);
  const adding = pods.map(async (pod) => {
    const sandbox = node.sandbox();
    await node.call("ADD", sandbox, pod);
    return rules(sandbox.run("iptables-save")).length;
  });
  const next = await node.startAgent();
  t.after(() => next.stop());
  await next.logged("ready");
  assert.equal(await agent.stop(), 0);
  assert.ok((await Promise.all(adding)).every((count) => count > 10));
  const last = meshedPod("last");
  node.api.setPod(last);
  await node.call("ADD", node.sandbox(), last);
  assert.ok(next.lines.some(({ msg, pod }) => msg === "served" && pod === "last"));
  assert.equal(agent.lines.find(({ msg }) => msg === "plugin stays on the node")?.reason, "superseded");
});

test("uninstalled: the entry, the program and the socket go; the node's network stays as it was", {
  skip,
}, async (t) => {
  const { node, agent } = await withAgent(t);
  node.api.installed = false;
  assert.equal(await agent.stop(), 0);
  assert.deepEqual(types(node.networkFile), ["bridge", "portmap"]);
  assert.equal(existsSync(join(node.programFolder, "outrigger-cni")), false);
  assert.deepEqual(readdirSync(join(node.folder, "run")), []);
});

test("an entry that another tool overwrites comes back", { skip }, async (t) => {
  const { node, agent } = await withAgent(t);
  const bare = JSON.parse(readFileSync(node.networkFile, "utf8")) as { plugins: { type: string }[] };
  bare.plugins = bare.plugins.filter(({ type }) => type !== "outrigger-cni");
  writeFileSync(node.networkFile, JSON.stringify(bare));
  await agent.logged("plugin put back: somebody had removed or changed it");
  assert.deepEqual(types(node.networkFile), ["bridge", "portmap", "outrigger-cni"]);
});

test("the startup taint goes when the node is ready, other taints stay", { skip }, async (t) => {
  const made = await node(t);
  const ours = { key: "cni.istio.io/not-ready", effect: "NoSchedule" };
  const other = { key: "other", effect: "NoExecute", timeAdded: "2026-01-01T00:00:00Z" };
  made.api.taints.push(ours, other, { ...ours, effect: "NoExecute" });
  const agent = await made.startAgent("--remove-taint");
  t.after(() => agent.stop());
  await agent.logged("startup taint removed: meshed Pods can come");
  assert.deepEqual(made.api.taints, [other]);
});

test("a Pod that started before the plugin stood is repaired in place", { skip }, async (t) => {
  const made = await node(t);
  const pod = meshedPod("early");
  const sandbox = made.sandbox();
  const result = await made.call("ADD", sandbox, pod);
  assert.deepEqual(rules(sandbox.run("iptables-save")), [], "nobody wrote rules");
  const address = result?.ips?.[0]?.address.replace(/\/.*/, "");
  const broken = { name: "istio-validation", state: { terminated: { exitCode: 126 } } };
  pod.status = { phase: "Pending", podIPs: [{ ip: address }], initContainerStatuses: [broken] };
  made.api.setPod(pod);
  const agent = await made.startAgent();
  t.after(() => agent.stop());
  await eventually(
    () => made.api.events,
    (events) => events.includes("CaptureRepaired shop/early"),
    "the repair's event",
  );
  assert.ok(rules(sandbox.run("iptables-save")).includes("-A OUTPUT -j ISTIO_OUTBOUND"));
});

test("while the API server is away, known Pods still start", { skip }, async (t) => {
  const { node } = await withAgent(t);
  const pod = meshedPod("web-0");
  node.api.setPod(pod);
  const sandbox = node.sandbox();
  await node.call("ADD", sandbox, pod);
  node.api.answering = false;
  await node.call("ADD", node.sandbox(), pod);
  const { code, message } = await failure(node.call("ADD", node.sandbox(), meshedPod("unheard")));
  assert.equal(code, 11);
  assert.match(message, /cannot be read: the API server answered 503/);
});
