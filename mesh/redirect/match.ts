import type { Cidr } from "../cidr.ts";
import type { Match, Target } from "./rule.ts";

/** Constructors of conditions and targets, so that a table of rules reads like iptables' own words. */
export const from = (name: string): Match => ({ kind: "in-interface", name });
export const to = (name: string): Match => ({ kind: "out-interface", name });
export const tcp: Match = { kind: "protocol", protocol: "tcp" };
export const udp: Match = { kind: "protocol", protocol: "udp" };
export const source = (cidr: Cidr): Match => ({ kind: "source", cidr });
export const destination = (cidr: Cidr): Match => ({ kind: "destination", cidr });
export const notDestination = (cidr: Cidr): Match => ({ kind: "destination", cidr, negated: true });
export const sourcePort = (port: string): Match => ({ kind: "source-port", port });
export const destinationPort = (port: string): Match => ({ kind: "destination-port", port });
export const notDestinationPort = (port: string): Match => ({ kind: "destination-port", port, negated: true });
export const notDestinationPorts = (...ports: string[]): Match => ({ kind: "destination-ports", ports, negated: true });
export const states = (...names: string[]): Match => ({ kind: "conntrack-state", states: names });
export const mark = (value: string): Match => ({ kind: "mark", mark: value });
export const notMark = (value: string): Match => ({ kind: "mark", mark: value, negated: true });
export const connmark = (value: string): Match => ({ kind: "connmark", mark: value });

/** The user or group that opened the socket. */
export interface Owner {
  readonly by: "uid" | "gid";
  readonly id: string;
}
export const ownedBy = (owner: Owner): Match => ({ kind: "owner", ...owner });
export const notOwnedBy = (owner: Owner): Match => ({ kind: "owner", ...owner, negated: true });

export const returns: Target = { kind: "return" };
export const jump = (chain: string): Target => ({ kind: "jump", chain });
export const redirect = (port: string, protocol: "tcp" | "udp" = "tcp"): Target => ({
  kind: "redirect",
  port,
  protocol,
});
export const setMark = (value: string): Target => ({ kind: "set-mark", mark: value });
export const zone = (value: number): Target => ({ kind: "conntrack-zone", zone: value });
