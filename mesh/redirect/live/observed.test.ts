import assert from "node:assert/strict";
import { test } from "node:test";
import { tablesOfNftText, tablesOfRestoreText } from "../../../test/restore-text.ts";
import { type IpFamily, parseAddress } from "../../address.ts";
import { compile } from "../compile.ts";
import { describeDifference } from "../describe.ts";
import { printIptables } from "../iptables.ts";
import { printNftables } from "../nftables.ts";
import { resolveCapture } from "../resolve.ts";
import type { RuleSet } from "../rule.ts";
import { type ObservedState, observedMarks, standingBackends, stateDifferences } from "./observed.ts";
import { ownParts } from "./own-rules.ts";

const facts = { addresses: ["10.0.0.5", "fd00::5"].flatMap((text) => parseAddress(text) ?? []), nameServers: [] };

function ruleSetOf(mode: string, dualStack: string): RuleSet {
  const texts = { mode, dualStack, proxyUids: "1337", inboundPorts: "*", outboundCidrs: "*" };
  const given = Object.entries(texts).map(([name, text]) => [name, { text, field: name }]);
  return compile(resolveCapture(Object.fromEntries(given), facts).config);
}

const both = ruleSetOf("REDIRECT", "true");
const tproxy = ruleSetOf("TPROXY", "false");

function parts(ruleSet: RuleSet, family: IpFamily, edit: (text: string) => string = (text) => text) {
  return ownParts(tablesOfRestoreText(edit(printIptables(ruleSet, family))));
}

const noParts = { IPv4: [], IPv6: [] };
const nothing: ObservedState = {
  iptables: { "iptables-nft": noParts, "iptables-legacy": noParts },
  nftables: [],
  routes: { markRoutes: [], passthroughAddress: false },
};

/** What stands after a run in iptables-nft. */
const whole: ObservedState = {
  ...nothing,
  iptables: { ...nothing.iptables, "iptables-nft": { IPv4: parts(both, "IPv4"), IPv6: parts(both, "IPv6") } },
  routes: both.routes,
};

function inNft(family: IpFamily, edit: (text: string) => string): ObservedState {
  const standing = { ...whole.iptables["iptables-nft"], [family]: parts(both, family, edit) };
  return { ...whole, iptables: { ...whole.iptables, "iptables-nft": standing } };
}

function told(state: ObservedState, ruleSet = both): string[] {
  return stateDifferences(ruleSet, "iptables-nft", state).map(describeDifference);
}

const tunnel = "-A ISTIO_INBOUND -p tcp --dport 15008 -j RETURN\n";
const inbound = "-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT\n";
const nat = (family: IpFamily) => `iptables-nft ${family}, table nat, chain ISTIO_INBOUND`;

test("what was compiled is no difference", () => {
  assert.deepEqual(told(whole), []);
  assert.deepEqual(standingBackends(whole), ["iptables-nft"]);
});

test("rules in another order are told, for order decides", () => {
  const state = inNft("IPv4", (text) => text.replace(tunnel, "").replace(inbound, inbound + tunnel));
  assert.deepEqual(told(state), [`${nat("IPv4")}: its rules stand in another order`]);
});

test("a rule that is missing, and one that somebody put into a chain of the mesh's, are told", () => {
  const state = inNft("IPv6", (text) => text.replace(tunnel, "-A ISTIO_INBOUND -p tcp -j LOG --log-prefix x\n"));
  assert.deepEqual(told(state), [
    `${nat("IPv6")}: missing: ${tunnel.trim()}`,
    `${nat("IPv6")}: extra: -p tcp -j LOG --log-prefix x`,
  ]);
});

test("a Pod whose IPv6 is not captured is told, rule by rule, address and all", () => {
  const standing = { ...whole.iptables["iptables-nft"], IPv6: [] };
  const state = { ...nothing, iptables: { ...whole.iptables, "iptables-nft": standing } };
  const lines = told(state);
  assert.ok(lines.includes("iptables-nft IPv6, table nat, chain ISTIO_OUTBOUND: the whole chain is missing"));
  assert.ok(lines.includes("iptables-nft IPv6, table nat, chain OUTPUT: missing: -A OUTPUT -j ISTIO_OUTBOUND"));
  assert.ok(lines.includes("routes: missing: address ::6/128 on lo"));
  assert.ok(lines.every((line) => !line.includes("IPv4")));
});

test("the same rules in a second backend, or in native nftables, are told", () => {
  const legacy = { ...whole.iptables, "iptables-legacy": { IPv4: parts(both, "IPv4"), IPv6: [] } };
  assert.ok(
    told({ ...whole, iptables: legacy }).includes(
      "iptables-legacy IPv4, table nat, chain ISTIO_INBOUND: the whole chain is extra",
    ),
  );
  const native = { ...whole, nftables: tablesOfNftText(printNftables(both)) };
  assert.ok(told(native).some((line) => line.includes("table inet istio-proxy-nat")));
  assert.deepEqual(standingBackends(native), ["iptables-nft", "nftables"]);
});

test("routes of another mode are told", () => {
  const state = { ...whole, routes: { ...both.routes, markRoutes: tproxy.routes.markRoutes } };
  assert.deepEqual(told(state), ["routes: extra: IPv4: rule fwmark 1337 lookup 133"]);
});

test("native tables of another family, or hooked in elsewhere, are told", () => {
  const tables = tablesOfNftText(printNftables(tproxy));
  const natively = (nftables: ObservedState["nftables"]) =>
    stateDifferences(tproxy, "nftables", { ...nothing, nftables, routes: tproxy.routes }).map(describeDifference);
  assert.deepEqual(natively(tables), []);
  const stale = tables.map((table) => ({ ...table, family: "inet" }));
  assert.ok(natively([...tables, ...stale]).some((line) => line.includes("table inet istio-proxy-nat")));
  const moved = tables.map((table) => ({
    ...table,
    chains: table.chains.map((chain) => ({ ...chain, hook: chain.hook?.replace("priority -100", "priority 100") })),
  }));
  assert.ok(natively(moved).some((line) => line.includes("type nat hook output priority -100")));
});

test("the marks of rules tell which routes are the mesh's", () => {
  const iptables = { ...nothing.iptables, "iptables-legacy": { IPv4: parts(tproxy, "IPv4"), IPv6: [] } };
  assert.deepEqual([...observedMarks({ iptables, nftables: [] })].sort(), [1337, 1338]);
  const nftables = tablesOfNftText(printNftables(tproxy));
  assert.deepEqual([...observedMarks({ iptables: nothing.iptables, nftables })].sort(), [1337, 1338]);
});
