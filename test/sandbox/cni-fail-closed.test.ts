import assert from "node:assert/strict";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { meshedPod } from "./cni/meshed-pod.ts";
import { type CniNode, outriggerProgram, unfitForCni } from "./cni/node.ts";
import { failure, nodeFor, rules } from "./cni/with-agent.ts";

// What a node does to IPv6 alone must not leave a Pod with half its rules, nor start it.

const skip = unfitForCni();

/** An agent whose programs for IPv6 do `script` while the file `broken` is there, and else what they should. */
async function withUnsteadyTools(t: TestContext, tool: string, script: string) {
  const node = await nodeFor(t, { ipv6: true });
  const [tools, broken] = [join(node.folder, "tools"), join(node.folder, "broken")];
  mkdirSync(tools);
  writeFileSync(join(tools, tool), `#!/bin/sh\n[ ! -e ${broken} ] || { ${script}; }\nexec /usr/sbin/${tool} "$@"\n`);
  chmodSync(join(tools, tool), 0o755);
  const agent = await node.startAgentAs(["/usr/bin/env", `PATH=${tools}:${process.env.PATH}`, outriggerProgram]);
  t.after(() => agent.stop());
  await agent.logged("ready");
  return {
    node,
    breakIt: () => writeFileSync(broken, ""),
    mendIt: () => rmSync(broken),
  };
}

async function add(node: CniNode, name: string) {
  const pod = meshedPod(name);
  pod.spec.containers[1] = { name: "istio-proxy", env: [{ name: "ISTIO_DUAL_STACK", value: "true" }] };
  node.api.setPod(pod);
  const sandbox = node.sandbox();
  return { sandbox, adding: node.call("ADD", sandbox, pod) };
}

interface Trouble {
  readonly what: string;
  readonly tool: string;
  readonly script: string;
}

const troubles: readonly Trouble[] = [
  { what: "cannot be written", tool: "ip6tables-nft-restore", script: "echo no such table >&2; exit 4" },
  { what: "are said to be written, and are not", tool: "ip6tables-nft-restore", script: "cat >/dev/null; exit 0" },
  { what: "cannot be read back", tool: "ip6tables-nft-save", script: "exit 1" },
];
for (const { what, tool, script } of troubles) {
  for (const first of [true, false]) {
    const when = first ? "by the first Pod of an agent" : "later";
    test(`rules for IPv6 that ${what}, ${when}: the Pod does not start`, { skip }, async (t) => {
      const { node, breakIt, mendIt } = await withUnsteadyTools(t, tool, script);
      if (!first) await (await add(node, "before")).adding;
      breakIt();
      const { sandbox, adding } = await add(node, "held");
      const { code, message } = await failure(adding);
      assert.equal(code, 101, message);
      // Reading is what tells what is to be removed; without it the Pod's namespace goes as a whole.
      if (tool !== "ip6tables-nft-save") assert.deepEqual(rules(sandbox.run("iptables-save")), []);
      mendIt();
      const { sandbox: later, adding: again } = await add(node, "after");
      await again;
      assert.ok(rules(later.run("ip6tables-save")).includes("-A OUTPUT -j ISTIO_OUTBOUND"));
    });
  }
}
