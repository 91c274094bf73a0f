import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectMeta } from "../../mesh/pod.ts";
import { meshedPod } from "./cni/meshed-pod.ts";
import { unfitForCni } from "./cni/node.ts";
import { failure, rules, types, withAgent } from "./cni/with-agent.ts";

// The real chain as a runtime calls it: bridge, portmap and the plugin, with the agent as its command.

const skip = unfitForCni();

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
  await agent.stop();
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
    await agent.stop();
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
