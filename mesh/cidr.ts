import { type Address, addressBits, formatAddress, type IpFamily, parseAddress } from "./address.ts";
import { accept, type Reading, readAllOr, readList, refuse } from "./reading.ts";

/** A range of addresses. Host bits, if a person wrote some, are kept: the kernel masks them, and texts show what was meant. */
export interface Cidr {
  readonly family: IpFamily;
  readonly address: Address;
  readonly prefixLength: number;
}

/** Reads `10.0.0.0/8` or `fd00::/8`; an address without a length is none. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  const address = parseAddress(text.slice(0, slash));
  const length = text.slice(slash + 1);
  if (slash === -1 || address === undefined || !/^(0|[1-9]\d{0,2})$/.test(length)) return undefined;
  const prefixLength = Number(length);
  return prefixLength <= addressBits[address.family] ? { family: address.family, address, prefixLength } : undefined;
}

/** Parses a CIDR that is known to be one. */
export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new TypeError(`${text} is not a CIDR`);
  return parsed;
}

/** The range of one address. */
export function hostCidr(address: Address): Cidr {
  return { family: address.family, address, prefixLength: addressBits[address.family] };
}

/** The CIDR with the host bits it was written with: `192.168.1.7/16`. */
export function formatCidr({ address, prefixLength }: Cidr): string {
  return `${formatAddress(address)}/${prefixLength}`;
}

function hostBits({ family, prefixLength }: Cidr): bigint {
  return BigInt(addressBits[family] - prefixLength);
}

/** The same range with its host bits cleared, as the kernel keeps it: `192.168.0.0/16`. */
export function canonicalCidr(range: Cidr): Cidr {
  const bits = hostBits(range);
  return { ...range, address: { family: range.family, value: (range.address.value >> bits) << bits } };
}

export function contains(range: Cidr, address: Address): boolean {
  const bits = hostBits(range);
  return range.family === address.family && range.address.value >> bits === address.value >> bits;
}

const loopbackRanges: Readonly<Record<IpFamily, Cidr>> = { IPv4: cidr("127.0.0.0/8"), IPv6: cidr("::1/128") };

/** Whether the range starts on the loopback interface: 127.0.0.0/8, ::1. */
export function isLoopback({ address }: Cidr): boolean {
  return contains(loopbackRanges[address.family], address);
}

const cidrs = { noun: "CIDRs", example: "10.0.0.0/8,2001:db8::/32" };

/** What a person probably meant: the address alone with the length of one host. */
function meantHosts(text: string): string | undefined {
  if (text.length > 200) return undefined;
  const hosts = text.split(",").map((item) => {
    const address = parseAddress(item.trim());
    return address === undefined ? item.trim() : formatCidr(hostCidr(address));
  });
  return hosts.every((item) => item === "" || parseCidr(item)) ? hosts.join(",") : undefined;
}

/** Reads a comma list of CIDRs of either family. */
export function readCidrs(text: string): Reading<Cidr[]> {
  const reading = readList(text, parseCidr, cidrs);
  const meant = reading.ok ? undefined : meantHosts(text);
  if (reading.ok || meant === undefined) return reading;
  return refuse(reading.message, `an address alone needs a length: "${meant}"`);
}

/** Reads `*` or a comma list of CIDRs. */
export function readCidrsOrAll(text: string): Reading<"all" | Cidr[]> {
  return readAllOr(text, readCidrs);
}

/** Reads the range that counts as the Pod's loopback: IPv4, within 127.0.0.0/8. */
export function readLoopbackCidr(text: string): Reading<Cidr> {
  const range = parseCidr(text.trim());
  const inside = range?.family === "IPv4" && range.prefixLength >= 8 && isLoopback(range);
  return inside ? accept(range) : refuse("is not a range within 127.0.0.0/8", 'use one such as "127.0.0.1/32"');
}
