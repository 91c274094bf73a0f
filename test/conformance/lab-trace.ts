import assert from "node:assert/strict";
import { type Address, parseAddress } from "../../mesh/address.ts";
import { formatEndpoint } from "../../mesh/redirect/trace/packet.ts";
import type { TraceRuleSet } from "../../mesh/redirect/trace/ruleset.ts";
import { type Connection, type Landing, type PodNetwork, traceConnection } from "../../mesh/redirect/trace/trace.ts";
import type { Probe } from "./lab-variants.ts";

export function address(text: string): Address {
  const parsed = parseAddress(text);
  assert.ok(parsed, `${text} is an address`);
  return parsed;
}

/** The Pod of the lab. */
export function labNetwork(ipv6: boolean): PodNetwork {
  const texts = ["10.9.0.2", ...(ipv6 ? ["fd09::2"] : [])];
  return { addresses: texts.map(address), interface: "eth0" };
}

const peers = { 4: "10.9.0.1", 6: "fd09::1" } as const;

/** A probe of the lab as a connection to trace. */
export function connectionOf({ fam, frm, proto, uid, gid, src, dst, port }: Probe): Connection {
  const destination = { address: address(dst), port };
  if (frm === "peer") return { from: "outside", protocol: proto, source: address(peers[fam]), destination };
  const bound = src === null ? {} : { source: address(src) };
  return { from: "pod", protocol: proto, owner: { uid, gid }, destination, ...bound };
}

/** Ports of the Pod on which the lab listens; elsewhere a connection that arrives is refused. */
const listening = [15001, 15006, 15008, 15020, 15021, 15053, 15090, 8080, 9999, 3306, 53, 9000];

/** A landing in the lab's words, with the original destination where it was captured by TCP. */
function labLanding(landing: Landing, { proto }: Probe): string {
  switch (landing.where) {
    case "captured":
      return proto === "tcp" ? `pod:${landing.port} orig=${formatEndpoint(landing.original)}` : `pod:${landing.port}`;
    case "pod":
      return listening.includes(landing.destination.port) ? `pod:${landing.destination.port}` : "REFUSED";
    case "outside":
      return `peer:${landing.destination.port}`;
    case "dropped":
      return "NO ANSWER";
  }
}

/** Asserts that a probe lands where the lab saw it land: `expected` is the lab's text. */
export function assertTraced(probe: Probe, expected: string, ruleSet: TraceRuleSet, network: PodNetwork): void {
  // The lab could not bind ::6 where IPv6 is not captured, so there was no connection.
  if (expected.startsWith("OSError")) return;
  const { landing } = traceConnection(connectionOf(probe), ruleSet, network);
  const traced = labLanding(landing, probe);
  assert.ok(
    expected === traced || expected.startsWith(`${traced} `),
    `v${probe.fam} ${probe.name}: landed at ${expected}, traced to ${traced}`,
  );
}
