import type { Cidr } from "../cidr.ts";
import { type PortRange, singlePort } from "../port-list.ts";
import type { Group } from "./config.ts";
import type { ConntrackState, Match, Protocol, Target } from "./rule.ts";

/**
 * Constructors of conditions and targets, so that a table of rules reads like iptables' own words. A port's condition
 * implies its protocol; `tcp` in front of one says it once more where Istio's nft text does.
 */
export const from = (name: string): Match => ({ kind: "in-interface", name });
export const to = (name: string): Match => ({ kind: "out-interface", name });
export const tcp: Match = { kind: "protocol", protocol: "tcp" };

export const source = (cidr: Cidr): Match => ({ kind: "source", cidr, negated: false });
export const destination = (cidr: Cidr): Match => ({ kind: "destination", cidr, negated: false });
export const notDestination = (cidr: Cidr): Match => ({ kind: "destination", cidr, negated: true });

export const sourcePort = (protocol: Protocol, port: number): Match => ({
  kind: "source-port",
  protocol,
  ports: [singlePort(port)],
  negated: false,
});
export const destinationPorts = (protocol: Protocol, range: PortRange): Match => ({
  kind: "destination-port",
  protocol,
  ports: [range],
  negated: false,
});
export const destinationPort = (protocol: Protocol, port: number): Match =>
  destinationPorts(protocol, singlePort(port));
export const notDestinationPort = (protocol: Protocol, ...ports: number[]): Match => ({
  kind: "destination-port",
  protocol,
  ports: ports.map(singlePort),
  negated: true,
});

export const states = (...names: ConntrackState[]): Match => ({ kind: "conntrack-state", states: names });
export const mark = (value: number): Match => ({ kind: "mark", mark: value, negated: false });
export const notMark = (value: number): Match => ({ kind: "mark", mark: value, negated: true });
export const connmark = (value: number): Match => ({ kind: "connmark", mark: value, negated: false });

/** The user or group that opened a socket. */
export interface Owner {
  readonly by: "uid" | "gid";
  readonly id: Group;
}
export const ownedBy = (owner: Owner): Match => ({ kind: "owner", ...owner, negated: false });
export const notOwnedBy = (owner: Owner): Match => ({ kind: "owner", ...owner, negated: true });

export const returns: Target = { kind: "return" };
export const accepts: Target = { kind: "accept" };
export const drops: Target = { kind: "drop" };
export const jump = (chain: string): Target => ({ kind: "jump", chain });
export const redirect = (protocol: Protocol, port: number): Target => ({ kind: "redirect", protocol, port });
export const setMark = (value: number): Target => ({ kind: "set-mark", mark: value });
export const zone = (value: number): Target => ({ kind: "conntrack-zone", zone: value });
