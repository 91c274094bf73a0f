import { type Address, type IpFamily, parseAddress } from "../../address.ts";
import { cidr, contains } from "../../cidr.ts";
import type { Protocol } from "../rule.ts";
import { type ChainResult, followChain, type Hook, type Step } from "./chain.ts";
import type { Endpoint, Packet } from "./packet.ts";
import type { TraceRuleSet } from "./ruleset.ts";

/** A connection that is to be traced, by its first packet. */
export type Connection =
  | {
      /** From a process in the Pod. */
      readonly from: "pod";
      readonly protocol: Protocol;
      readonly owner: { readonly uid: number; readonly gid: number };
      readonly destination: Endpoint;
      /** The address that the process bound; by default the kernel picks one. */
      readonly source?: Address;
    }
  | {
      /** From outside, through one of the Pod's interfaces. */
      readonly from: "outside";
      readonly protocol: Protocol;
      readonly source: Address;
      readonly destination: Endpoint;
    };

/** What a trace has to know of the Pod's network. */
export interface PodNetwork {
  readonly addresses: readonly Address[];
  /** The interface that leads out of the Pod. */
  readonly interface: string;
}

/** Where a connection ends up. */
export type Landing =
  /** At a port of the Pod to which rules turned it; `original` is what the one who connected asked for. */
  | {
      readonly where: "captured";
      readonly by: "redirect" | "tproxy";
      readonly port: number;
      readonly original: Endpoint;
    }
  /** At a port of the Pod, untouched. */
  | { readonly where: "pod"; readonly destination: Endpoint }
  /** Outside the Pod, untouched. */
  | { readonly where: "outside"; readonly destination: Endpoint }
  | { readonly where: "dropped" };

export interface Trace {
  /** The address that the one who connects has. */
  readonly source: Address;
  readonly steps: readonly Step[];
  readonly landing: Landing;
}

const loopback: Readonly<Record<IpFamily, { range: ReturnType<typeof cidr>; address: Address }>> = {
  IPv4: { range: cidr("127.0.0.0/8"), address: parseAddress("127.0.0.1") as Address },
  IPv6: { range: cidr("::1/128"), address: parseAddress("::1") as Address },
};

const ephemeralPort = 40_000;

function isLoopbackAddress(address: Address): boolean {
  return contains(loopback[address.family].range, address);
}

function isOwn(address: Address, { addresses }: PodNetwork): boolean {
  return addresses.some((own) => own.family === address.family && own.value === address.value);
}

function isLocal(address: Address, network: PodNetwork): boolean {
  return isLoopbackAddress(address) || isOwn(address, network);
}

/** The source address that the kernel picks for a destination. */
function sourceFor(destination: Address, network: PodNetwork): Address {
  if (isLoopbackAddress(destination)) return loopback[destination.family].address;
  if (isOwn(destination, network)) return destination;
  return network.addresses.find(({ family }) => family === destination.family) ?? loopback[destination.family].address;
}

/** A packet on its way, with what happened to it so far. */
interface Journey {
  readonly packet: Packet;
  readonly steps: readonly Step[];
  /** Whether NAT has decided on the connection: it decides once, at the first hook that the connection passes. */
  readonly natDecided: boolean;
  readonly redirectedTo?: number;
  readonly tproxiedTo?: number;
  readonly dropped: boolean;
}

/** The order of tables at a hook; filter is not written by the mesh, but others may drop there. */
const tables = ["raw", "mangle", "nat", "filter"] as const;

/** REDIRECT changes the destination to this host: its loopback address, or the address that the packet came in by. */
function redirected(packet: Packet, hook: Hook, port: number, network: PodNetwork): Packet {
  const { family } = packet.destination.address;
  const incoming = network.addresses.find((address) => address.family === family) ?? packet.destination.address;
  const address = hook === "OUTPUT" ? loopback[family].address : incoming;
  const out = hook === "OUTPUT" ? { outInterface: "lo" } : {};
  return { ...packet, destination: { address, port }, ...out };
}

function after(journey: Journey, hook: Hook, table: string, result: ChainResult, network: PodNetwork): Journey {
  const { verdict } = result;
  const steps = [...journey.steps, ...result.steps];
  const next = { ...journey, packet: result.packet, steps };
  if (verdict.kind === "drop") return { ...next, dropped: true };
  if (verdict.kind === "tproxy") return { ...next, tproxiedTo: verdict.port };
  if (verdict.kind !== "redirect" || table !== "nat") return next;
  const packet = redirected(result.packet, hook, verdict.port, network);
  return { ...next, packet, redirectedTo: verdict.port, natDecided: true };
}

/** Takes a packet through the tables of a hook. */
function pass(journey: Journey, hook: Hook, ruleSet: TraceRuleSet, network: PodNetwork): Journey {
  let now = journey;
  for (const table of tables) {
    for (const holder of ruleSet) {
      if (now.dropped || (table === "nat" && now.natDecided)) continue;
      now = after(now, hook, table, followChain({ hook, table, tables: holder }, hook, now.packet), network);
    }
  }
  return { ...now, natDecided: true };
}

function landingOf(journey: Journey, original: Endpoint, network: PodNetwork): Landing {
  const { packet, dropped, redirectedTo, tproxiedTo } = journey;
  if (dropped) return { where: "dropped" };
  if (tproxiedTo !== undefined) return { where: "captured", by: "tproxy", port: tproxiedTo, original };
  if (redirectedTo !== undefined) return { where: "captured", by: "redirect", port: redirectedTo, original };
  const { destination } = packet;
  return { where: isLocal(destination.address, network) ? "pod" : "outside", destination };
}

function firstPacket(connection: Connection, network: PodNetwork): Packet {
  const { protocol, destination } = connection;
  const source = connection.source ?? sourceFor(destination.address, network);
  const packet = {
    protocol,
    source: { address: source, port: ephemeralPort },
    destination,
    mark: 0,
    connmark: 0,
    state: "NEW" as const,
  };
  if (connection.from === "outside") return { ...packet, inInterface: network.interface };
  const outInterface = isLocal(destination.address, network) ? "lo" : network.interface;
  return { ...packet, outInterface, owner: connection.owner };
}

/** The packet as it comes in again through loopback: who sent it is not known there. */
function backThroughLoopback(packet: Packet): Packet {
  const { outInterface: _out, owner: _owner, ...rest } = packet;
  return { ...rest, inInterface: "lo" };
}

/**
 * Follows a connection's first packet through the rules, as netfilter does: what the Pod sends meets OUTPUT and, where it
 * stays in the Pod, PREROUTING on loopback; what comes from outside meets PREROUTING. Who receives it is the kernel's
 * business: a landing says where, not whether somebody listens.
 */
export function traceConnection(connection: Connection, ruleSet: TraceRuleSet, network: PodNetwork): Trace {
  const packet = firstPacket(connection, network);
  const start: Journey = { packet, steps: [], natDecided: false, dropped: false };
  let journey = pass(start, connection.from === "pod" ? "OUTPUT" : "PREROUTING", ruleSet, network);
  if (connection.from === "pod" && !journey.dropped && isLocal(journey.packet.destination.address, network)) {
    journey = pass({ ...journey, packet: backThroughLoopback(journey.packet) }, "PREROUTING", ruleSet, network);
  }
  const landing = landingOf(journey, connection.destination, network);
  return { source: packet.source.address, steps: journey.steps, landing };
}
