import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address, parseAddress } from "../address.ts";
import { OutriggerError } from "../errors.ts";
import type { CaptureSettingName, GivenSettings } from "./capture-setting.ts";
import { type HostFacts, type ResolvedCapture, resolveCapture } from "./resolve.ts";

const addresses = (...texts: string[]) => texts.map((text) => parseAddress(text) as Address);
const ipv4Only: HostFacts = { addresses: addresses("10.0.0.5"), nameServers: addresses("10.96.0.10", "fd00::a") };

function resolve(texts: { [name in CaptureSettingName]?: string }, facts = ipv4Only): ResolvedCapture {
  const given = Object.entries(texts).map(([name, text]) => [name, { text, field: `--${name}` }]);
  return resolveCapture(Object.fromEntries(given) as GivenSettings, facts);
}

test("the defaults capture nothing but know the ports", () => {
  const { config, warnings } = resolve({});
  assert.deepEqual(warnings, []);
  assert.equal(config.outboundPort, 15001);
  assert.deepEqual(config.inbound, { capture: "none" });
  assert.deepEqual(config.outbound.cidrs, []);
  assert.deepEqual(config.ownerGroups, { capture: "all", exclude: [] });
  assert.equal(config.outboundChain, "ISTIO_OUTBOUND");
});

test("the proxy's group is its user unless set", () => {
  assert.deepEqual(resolve({ proxyUids: "3,4" }).config.proxyGids, [3, 4]);
  assert.deepEqual(resolve({ proxyUids: "3,4", proxyGids: "5" }).config.proxyGids, [5]);
});

for (const { has, dualStack, ipv6 } of [
  { has: ["10.0.0.5"], dualStack: "true", ipv6: false },
  { has: ["10.0.0.5", "fd00::5"], dualStack: "false", ipv6: false },
  { has: ["10.0.0.5", "fd00::5"], dualStack: "true", ipv6: true },
  { has: ["fd00::5"], dualStack: "false", ipv6: true },
]) {
  test(`IPv6 is ${ipv6 ? "" : "not "}captured with ${has.join(" and ")}, dual stack ${dualStack}`, () => {
    assert.equal(resolve({ dualStack }, { addresses: addresses(...has), nameServers: [] }).config.ipv6, ipv6);
  });
}

test("a Pod whose IPv6 traffic goes by is warned of", () => {
  const { warnings } = resolve({}, { addresses: addresses("10.0.0.5", "fd00::5"), nameServers: [] });
  assert.match(warnings[0]?.message ?? "", /IPv6 traffic/);
});

test("DNS is captured as asked, and not without a server", () => {
  assert.deepEqual(resolve({ captureAllDns: "true" }).config.dns, { capture: "none" });
  assert.deepEqual(resolve({ redirectDns: "1", captureAllDns: "T" }).config.dns, { capture: "all" });
  assert.deepEqual(resolve({ redirectDns: "true" }).config.dns, { capture: "servers", servers: ipv4Only.nameServers });
  const without = resolve({ redirectDns: "true" }, { ...ipv4Only, nameServers: [] });
  assert.deepEqual(without.config.dns, { capture: "none" });
  assert.match(without.warnings[0]?.message ?? "", /names no server/);
});

test("a namespace without an address is refused", () => {
  assert.throws(() => resolve({}, { addresses: [], nameServers: [] }), /has no address/);
});

for (const [name, text] of [
  ["mode", "redirect"],
  ["outboundPort", "0"],
  ["outboundPort", "15001,15002"],
  ["proxyUids", "-1"],
  ["proxyUids", ","],
  ["proxyUids", "4294967295"],
  ["proxyGids", "root"],
  ["excludeOutboundCidrs", "*"],
  ["outboundCidrs", "*,10.0.0.0/8"],
  ["ownerGroups", "a b"],
  ["ownerGroups", Array.from({ length: 65 }, (_, index) => index).join(",")],
  ["loopback", "10.0.0.0/8"],
  ["redirectDns", "yes"],
  ["tproxyMark", "0"],
  ["tproxyMark", "1338"],
  ["tproxyMark", "4294967296"],
  ["tproxyRouteTable", "254"],
  ["tproxyRouteTable", "main"],
  ["outboundChain", "OUTPUT"],
  ["excludeInterfaces", "eth0\n-A OUTPUT -j ACCEPT"],
] as const) {
  test(`${name} ${JSON.stringify(text.slice(0, 40))} is refused`, () => {
    assert.throws(
      () => resolve({ [name]: text }),
      (error: unknown) =>
        error instanceof OutriggerError &&
        error.exitCode === 1 &&
        error.problems.every((problem) => problem.field === `--${name}` && problem.value === text && problem.remedy),
    );
  });
}

test("every mistake is reported at once", () => {
  assert.throws(
    () => resolve({ outboundPort: "x", inboundPorts: "y", outboundCidrs: "z" }),
    (error: unknown) => error instanceof OutriggerError && error.problems.length === 3,
  );
});

test("a mark may be hexadecimal", () => {
  assert.equal(resolve({ tproxyMark: "0x539" }).config.tproxy.mark, 1337);
});
