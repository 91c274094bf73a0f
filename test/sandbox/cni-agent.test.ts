import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { meshedPod } from "./cni/meshed-pod.ts";
import { type CniNode, unfitForCni } from "./cni/node.ts";
import { failure, nodeFor, rules, types, withAgent } from "./cni/with-agent.ts";
import { eventually } from "./pod-network.ts";

// The node agent comes, goes, and finds what others did meanwhile.

const skip = unfitForCni();

test("without its agent the plugin lets unmeshed Pods start, refuses meshed ones with what to do, and DEL succeeds", {
  skip,
}, async (t) => {
  const { node, agent } = await withAgent(t, {}, "--plugin-patience-seconds", "1");
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

/** Longer than any machine takes to start an agent. */
const patient = ["--plugin-patience-seconds", "120"];

test("an agent that comes back within the plugin's patience serves the Pod that waits", { skip }, async (t) => {
  const { node, agent } = await withAgent(t, {}, ...patient);
  const pod = meshedPod("web-0");
  node.api.setPod(pod);
  await agent.stop();
  const sandbox = node.sandbox();
  const adding = node.call("ADD", sandbox, pod);
  const next = await node.startAgent(...patient);
  t.after(() => next.stop());
  await adding;
  assert.ok(rules(sandbox.run("iptables-save")).includes("-A OUTPUT -j ISTIO_OUTBOUND"));
});

test("a newer agent takes over while the older one still runs, and no request is lost", { skip }, async (t) => {
  const { node, agent } = await withAgent(t, {}, ...patient);
  const pods = Array.from({ length: 12 }, (_, index) => meshedPod(`web-${index}`));
  for (const pod of pods) node.api.setPod(pod);
  const adding = pods.map(async (pod) => {
    const sandbox = node.sandbox();
    await node.call("ADD", sandbox, pod);
    return rules(sandbox.run("iptables-save")).length;
  });
  const next = await node.startAgent(...patient);
  t.after(() => next.stop());
  await next.logged("ready");
  assert.equal(await agent.stop(), 0);
  assert.ok((await Promise.all(adding)).every((count) => count > 10));
  const last = meshedPod("last");
  node.api.setPod(last);
  await node.call("ADD", node.sandbox(), last);
  await next.stop();
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
  const made = await nodeFor(t);
  const ours = { key: "cni.istio.io/not-ready", effect: "NoSchedule" };
  const other = { key: "other", effect: "NoExecute", timeAdded: "2026-01-01T00:00:00Z" };
  made.api.taints.push(ours, other, { ...ours, effect: "NoExecute" });
  const agent = await made.startAgent("--remove-taint");
  t.after(() => agent.stop());
  await agent.logged("startup taint removed: meshed Pods can come");
  assert.deepEqual(made.api.taints, [other]);
});

/** A Pod that started on a node without rules, and whose validation found that out. */
async function earlyPod(node: CniNode, name = "early") {
  const pod = meshedPod(name);
  const sandbox = node.sandbox();
  const result = await node.call("ADD", sandbox, pod);
  assert.deepEqual(rules(sandbox.run("iptables-save")), [], "nobody wrote rules");
  const address = result?.ips?.[0]?.address.replace(/\/.*/, "");
  const broken = { name: "istio-validation", state: { terminated: { exitCode: 126 } } };
  pod.status = { phase: "Pending", podIPs: [{ ip: address }], initContainerStatuses: [broken] };
  node.api.setPod(pod);
  return sandbox;
}

const repairs = [
  { mode: "repair", event: "CaptureRepaired", captured: true, deleted: [], label: undefined },
  { mode: "delete", event: "CaptureMissing", captured: false, deleted: ["shop/early"], label: undefined },
  { mode: "label", event: "CaptureMissing", captured: false, deleted: [], label: "true" },
] as const;
for (const { mode, event, captured, deleted, label } of repairs) {
  test(`a Pod that started before the plugin stood: ${mode}`, { skip }, async (t) => {
    const node = await nodeFor(t);
    const sandbox = await earlyPod(node);
    const agent = await node.startAgent("--repair", mode);
    t.after(() => agent.stop());
    await eventually(
      () => node.api.events,
      (events) => events.includes(`${event} shop/early`),
      "the repair's event",
    );
    assert.deepEqual(node.api.deleted, deleted);
    assert.equal(node.api.pod("shop", "early")?.metadata.labels?.["cni.istio.io/uninitialized"], label);
    assert.equal(rules(sandbox.run("iptables-save")).includes("-A OUTPUT -j ISTIO_OUTBOUND"), captured);
  });
}

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

test("a history that is gone, a watch that ends and a token that changed are no reason to lose Pods", {
  skip,
}, async (t) => {
  const { node, agent } = await withAgent(t);
  const known = async (name: string) => {
    const pod = meshedPod(name);
    node.api.setPod(pod);
    await node.call("ADD", node.sandbox(), pod);
  };
  await known("before");
  node.api.endWatches();
  await known("after-a-watch");
  node.api.endWatches({ forget: true });
  await known("after-its-history");
  node.api.token = "second";
  node.api.writeServiceAccount(join(node.folder, "account"));
  node.api.endWatches();
  await known("after-the-token");
  await agent.stop();
  assert.ok(!agent.lines.some(({ level }) => level === "error"));
});
