import { type Address, formatAddress } from "../../address.ts";
import { contains } from "../../cidr.ts";
import { portInRange } from "../../port-list.ts";
import type { ConntrackState, Match, Protocol } from "../rule.ts";

export interface Endpoint {
  readonly address: Address;
  readonly port: number;
}

/** The first packet of a connection, as netfilter sees it at one of its hooks. */
export interface Packet {
  readonly protocol: Protocol;
  readonly source: Endpoint;
  readonly destination: Endpoint;
  readonly inInterface?: string;
  readonly outInterface?: string;
  /** Who opened the socket that sends it; absent for what comes from outside. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly mark: number;
  readonly connmark: number;
  readonly state: ConntrackState;
}

/** `10.0.0.5:443`, `[fd00::5]:443` */
export function formatEndpoint({ address, port }: Endpoint): string {
  const text = formatAddress(address);
  return address.family === "IPv6" ? `[${text}]:${port}` : `${text}:${port}`;
}

function isInterface(pattern: string, name: string | undefined): boolean {
  if (name === undefined) return false;
  return pattern.endsWith("+") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function isOwner({ by, id }: { by: "uid" | "gid"; id: number | string }, { owner }: Packet): boolean {
  return owner !== undefined && String(owner[by]) === String(id);
}

/** Whether the packet meets the condition. */
export function meets(packet: Packet, match: Match): boolean {
  switch (match.kind) {
    case "in-interface":
      return isInterface(match.name, packet.inInterface);
    case "out-interface":
      return isInterface(match.name, packet.outInterface);
    case "protocol":
      return packet.protocol === match.protocol;
    case "family":
      return packet.destination.address.family === match.family;
    case "source":
      return meetsAddress(packet.source.address, match);
    case "destination":
      return meetsAddress(packet.destination.address, match);
    case "source-port":
      return meetsPort(packet, match, packet.source.port);
    case "destination-port":
      return meetsPort(packet, match, packet.destination.port);
    case "owner":
      return isOwner(match, packet) !== match.negated;
    case "conntrack-state":
      return match.states.includes(packet.state);
    case "mark":
      return (packet.mark === match.mark) !== match.negated;
    case "connmark":
      return (packet.connmark === match.mark) !== match.negated;
  }
}

/** A condition on an address implies its family, also where it is negated. */
function meetsAddress(address: Address, { cidr, negated }: Match & { kind: "source" | "destination" }): boolean {
  return address.family === cidr.family && contains(cidr, address) !== negated;
}

/** A condition on a port implies its protocol, also where it is negated. */
function meetsPort(packet: Packet, match: Match & { kind: "source-port" | "destination-port" }, port: number): boolean {
  return packet.protocol === match.protocol && match.ports.some((range) => portInRange(port, range)) !== match.negated;
}
