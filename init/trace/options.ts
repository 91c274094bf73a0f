import { type Address, formatAddress, parseAddress } from "../../mesh/address.ts";
import { OutriggerError, type Problem } from "../../mesh/errors.ts";
import { isInterfaceName } from "../../mesh/interface-names.ts";
import { isPort } from "../../mesh/ports.ts";
import { listItems } from "../../mesh/reading.ts";
import type { Endpoint } from "../../mesh/redirect/trace/packet.ts";
import type { Connection, PodNetwork } from "../../mesh/redirect/trace/trace.ts";

/** The flags of `outrigger trace` that are about the connection, as they were written. */
export interface ConnectionFlags {
  readonly uid: string;
  readonly gid?: string;
  readonly dst: string;
  readonly src?: string;
  readonly protocol: string;
  readonly from: string;
  readonly podIp?: string;
  readonly interface: string;
}

function parseEndpoint(text: string): Endpoint | undefined {
  const [, bracketed, bare, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = parseAddress(bracketed ?? bare ?? "");
  return address !== undefined && isPort(Number(port)) ? { address, port: Number(port) } : undefined;
}

function parseId(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** Collects problems while values are read; a value that is wrong is undefined. */
function reader(problems: Problem[]) {
  return <T>(field: string, text: string, parse: (text: string) => T | undefined, message: string, remedy: string) => {
    const value = parse(text);
    if (value === undefined) problems.push({ field, value: text, message, remedy });
    return value;
  };
}

/** The Pod's addresses that a flag names. */
function parseAddresses(text: string): Address[] | undefined {
  const addresses = listItems(text).map(parseAddress);
  return addresses.every((address) => address !== undefined) ? addresses : undefined;
}

/** The connection and, where flags say so, the Pod's addresses. */
export interface TraceRequest {
  readonly connection: Connection;
  readonly podAddresses: readonly Address[] | undefined;
  readonly interface: string;
}

/**
 * Reads the connection's flags.
 * @throws OutriggerError BAD_FLAG with everything that is wrong
 */
export function traceRequest(flags: ConnectionFlags): TraceRequest {
  const problems: Problem[] = [];
  const read = reader(problems);
  const id = "use a number, such as 1000";
  const uid = read("--uid", flags.uid, parseId, "is not a user's id", id);
  const gid = flags.gid === undefined ? uid : read("--gid", flags.gid, parseId, "is not a group's id", id);
  const remedy = "use ADDRESS:PORT, such as 10.0.0.5:443 or [fd00::5]:443";
  const destination = read("--dst", flags.dst, parseEndpoint, "is not an address with a port", remedy);
  const protocol = read(
    "--protocol",
    flags.protocol,
    (text) => (text === "tcp" || text === "udp" ? text : undefined),
    "is not followed",
    "use tcp or udp",
  );
  const from = read(
    "--from",
    flags.from,
    (text) => (text === "pod" || text === "outside" ? text : undefined),
    "is not a side",
    "use pod or outside",
  );
  const source =
    flags.src === undefined
      ? undefined
      : read("--src", flags.src, parseAddress, "is not an address", "use one such as 10.0.0.9");
  const podAddresses =
    flags.podIp === undefined
      ? undefined
      : read("--pod-ip", flags.podIp, parseAddresses, "is not a list of addresses", "use one such as 10.0.0.2");
  read(
    "--interface",
    flags.interface,
    (text) => (isInterfaceName(text) ? text : undefined),
    "is not an interface's name",
    "use one such as eth0",
  );
  const complete = uid !== undefined && gid !== undefined && destination !== undefined && protocol !== undefined;
  if (problems.length > 0 || !complete || from === undefined) throw new OutriggerError("BAD_FLAG", problems);
  const connection = connectionOf(from, { protocol, destination, owner: { uid, gid }, source });
  return { connection, podAddresses, interface: flags.interface };
}

/** Where traffic from outside comes from if no flag says so: an address that documents use. */
const outsideSources = { IPv4: "192.0.2.1", IPv6: "2001:db8::1" } as const;

interface Ends {
  readonly protocol: "tcp" | "udp";
  readonly destination: Endpoint;
  readonly owner: { readonly uid: number; readonly gid: number };
  readonly source: Address | undefined;
}

function connectionOf(from: "pod" | "outside", { protocol, destination, owner, source }: Ends): Connection {
  if (from === "pod") return { from, protocol, owner, destination, ...(source !== undefined && { source }) };
  return { from, protocol, source: source ?? documented(outsideSources[destination.address.family]), destination };
}

/** An address that is written down here. */
function documented(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new TypeError(`${text} is not an address`);
  return address;
}

/** The Pod's address where nothing is known of it: one that documents use. */
const unknownPod = { IPv4: "192.0.2.2", IPv6: "2001:db8::2" } as const;

/**
 * The Pod's network: what flags say, else what is known of the Pod, else an address that stands for its own. A
 * destination from outside is the Pod's own address.
 */
export function podNetwork(request: TraceRequest, known: readonly Address[]): PodNetwork {
  const { connection, podAddresses } = request;
  const { address } = connection.destination;
  const stated = podAddresses ?? known;
  const own = stated.length > 0 ? stated : [documented(unknownPod[address.family])];
  const arriving = connection.from === "outside" && !own.some((each) => formatAddress(each) === formatAddress(address));
  return { addresses: arriving ? [address, ...own] : own, interface: request.interface };
}
