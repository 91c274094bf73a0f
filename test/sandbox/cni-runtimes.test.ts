import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { cniCapabilities } from "../../deploy/manifests/cni-agent.ts";
import { meshedPod } from "./cni/meshed-pod.ts";
import { type CniNode, outriggerProgram, unfitForCni } from "./cni/node.ts";
import { pluginProgram } from "./cni/programs.ts";
import { nodeFor, rules, withAgent } from "./cni/with-agent.ts";

// What runtimes and meta plugins do differently, and nodes that have nothing.

const skip = unfitForCni();

/** The chain with nothing in it but Outrigger, in a version of the specification. */
function aloneIn(node: CniNode, cniVersion: string): string {
  const list = JSON.parse(readFileSync(node.networkFile, "utf8")) as { plugins: { type: string }[] };
  const file = join(node.folder, `alone-${cniVersion}.conflist`);
  const plugins = list.plugins.filter(({ type }) => type === "outrigger-cni");
  writeFileSync(file, JSON.stringify({ ...list, cniVersion, plugins }));
  return file;
}

test("STATUS and GC, which came with version 1.1.0, succeed and change nothing", { skip }, async (t) => {
  const { node } = await withAgent(t);
  const pod = meshedPod("web-0");
  node.api.setPod(pod);
  const sandbox = node.sandbox();
  await node.call("ADD", sandbox, pod);
  const before = rules(sandbox.run("iptables-save"));
  const options = { networkFile: aloneIn(node, "1.1.0") };
  await node.call("STATUS", sandbox, pod, options);
  await node.call("CHECK", sandbox, pod);
  // Nothing is named as still there, so libcni calls DEL for all that it remembers, and then GC.
  await node.call("GC", sandbox, pod, options);
  assert.deepEqual(rules(sandbox.run("iptables-save")), before);
});

test("a Pod in a user namespace of its own (hostUsers: false) is captured, by an agent with the rights of its manifest", {
  skip,
}, async (t) => {
  const node = await nodeFor(t);
  const rights = cniCapabilities.map(({ name }) => `+${name.toLowerCase()}`).join(",");
  const agent = await node.startAgentAs(["setpriv", `--bounding-set=-all,${rights}`, outriggerProgram]);
  t.after(() => agent.stop());
  await agent.logged("ready");
  const pod = meshedPod("web-0");
  node.api.setPod(pod);
  const sandbox = node.sandbox({ ofUser: true });
  await node.call("ADD", sandbox, pod);
  assert.ok(rules(sandbox.run("iptables-save")).includes("-A OUTPUT -j ISTIO_OUTBOUND"));
  await node.call("CHECK", sandbox, pod);
});

test("called by a meta plugin again and alone, without a result before it, the rules stand once", {
  skip,
}, async (t) => {
  const { node } = await withAgent(t);
  const pod = meshedPod("web-0");
  node.api.setPod(pod);
  const sandbox = node.sandbox();
  await node.call("ADD", sandbox, pod);
  const before = rules(sandbox.run("iptables-save"));
  assert.deepEqual(await node.call("ADD", sandbox, pod, { networkFile: aloneIn(node, "1.0.0") }), {
    cniVersion: "1.0.0",
  });
  assert.deepEqual(rules(sandbox.run("iptables-save")), before);
});

test("on a node that has nothing but the plugin's file a Pod is captured", { skip }, async (t) => {
  const { node } = await withAgent(t);
  const pod = meshedPod("web-0");
  node.api.setPod(pod);
  const sandbox = node.sandbox();
  // The node's root: the plugin, and the folder of the socket; no shell, no library, no /proc, no /dev.
  const bare = join(node.folder, "root");
  mkdirSync(join(bare, "run"), { recursive: true });
  copyFileSync(pluginProgram(), join(bare, "outrigger-cni"));
  execFileSync("mount", ["--bind", join(node.folder, "run"), join(bare, "run")]);
  try {
    const env = {
      CNI_COMMAND: "ADD",
      CNI_CONTAINERID: sandbox.id,
      CNI_NETNS: sandbox.netns,
      CNI_IFNAME: "eth0",
      CNI_ARGS: "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;K8S_POD_UID=uid-web-0",
    };
    const child = spawn("/usr/sbin/chroot", [bare, "/outrigger-cni"], { env, stdio: ["pipe", "pipe", "inherit"] });
    const prevResult = { cniVersion: "1.0.0", ips: [{ address: "10.87.0.9/16" }] };
    child.stdin.end(JSON.stringify({ cniVersion: "1.0.0", name: "pods", run_directory: "/run", prevResult }));
    const ended = new Promise((resolve) => child.once("close", resolve));
    assert.deepEqual(JSON.parse(await text(child.stdout)), prevResult);
    assert.equal(await ended, 0);
  } finally {
    execFileSync("umount", [join(bare, "run")]);
  }
  assert.ok(rules(sandbox.run("iptables-save")).includes("-A OUTPUT -j ISTIO_OUTBOUND"));
});
