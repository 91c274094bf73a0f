import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "../../mesh/address.ts";
import type { CaptureSettingName } from "../../mesh/redirect/capture-setting.ts";
import { resolveCapture } from "../../mesh/redirect/resolve.ts";
import { formatEndpoint } from "../../mesh/redirect/trace/packet.ts";
import { validationPlan } from "./plan.ts";

const addresses = ["10.0.0.5", "fd00::5"].flatMap((text) => parseAddress(text) ?? []);
const network = { addresses, interface: "eth0" };
const proxy = { uid: 1337, gid: 1337 };
const root = { uid: 0, gid: 0 };

/** The connections that prove capture, in words. */
function planned(texts: { [name in CaptureSettingName]?: string }, owner: typeof proxy): string[] {
  const all = { proxyUids: "1337", inboundPorts: "*", outboundCidrs: "*", ...texts };
  const given = Object.entries(all).map(([name, text]) => [name, { text, field: name }]);
  const { config } = resolveCapture(Object.fromEntries(given), { addresses, nameServers: [] });
  const { probes, unproven } = validationPlan(config, owner, network, 15002);
  const texted = probes.map(({ destination, proof, port }) => `${formatEndpoint(destination)} ${proof} ${port}`);
  return [...texted, ...unproven.map((family) => `${family} unproven`)];
}

for (const [name, texts, owner, expected] of [
  ["the proxy's user calls its own Pod", {}, proxy, ["10.0.0.5:15002 arrives 15006"]],
  ["root calls an address that nobody has", {}, root, ["192.0.2.1:15002 arrives 15001"]],
  [
    "each family is proven by itself",
    { dualStack: "true" },
    proxy,
    ["10.0.0.5:15002 arrives 15006", "[fd00::5]:15002 arrives 15006"],
  ],
  ["root calls into a captured range", { outboundCidrs: "172.16.0.0/12" }, root, ["172.16.0.1:15002 arrives 15001"]],
  ["root calls a captured port", { outboundCidrs: "", outboundPorts: "3306" }, root, ["192.0.2.1:3306 arrives 15001"]],
  ["nothing of root's is captured", { outboundCidrs: "" }, root, ["IPv4 unproven"]],
  ["nothing of this group's is captured", { excludeOwnerGroups: "0" }, root, ["IPv4 unproven"]],
] as const) {
  test(`how capture is proven: ${name}`, () => assert.deepEqual(planned(texts, owner), expected));
}

test("under TPROXY some connection proves it, to the proxy's user and to root", () => {
  for (const owner of [proxy, root]) {
    const [probe] = planned({ mode: "TPROXY" }, owner);
    assert.match(probe ?? "", /(arrives|diverted) \d+$/);
  }
});
