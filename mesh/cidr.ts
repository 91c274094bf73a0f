/** An IP network as it was written, with its family; host bits are kept, as iptables keeps them. */
export interface Cidr {
  readonly family: "ipv4" | "ipv6";
  /** `10.0.0.0/8` */
  readonly text: string;
  readonly prefixLength: number;
  /** The 4 or 16 bytes of the address. */
  readonly bytes: readonly number[];
}

const cidrPattern = /^([0-9a-fA-F:.]+)\/(\d{1,3})$/;

function parseIpv4(text: string): number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return;
  return parts.map(Number);
}

function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [index, group] of groups.entries()) {
    if (group.includes(".")) {
      const tail = index === groups.length - 1 ? parseIpv4(group) : undefined;
      if (tail === undefined) return undefined;
      bytes.push(...tail);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 255);
    }
  }
  return bytes;
}

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(parseGroups);
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 16 ? head : undefined;
  if (tail === undefined || head.length + tail.length > 14) return undefined;
  return [...head, ...new Array<number>(16 - head.length - tail.length).fill(0), ...tail];
}

/** Reads `address/length`; undefined when it is not one. A bare address is not a network. */
export function parseCidr(text: string): Cidr | undefined {
  const [, address, length] = cidrPattern.exec(text) ?? [];
  if (address === undefined || length === undefined) return undefined;
  const family = address.includes(":") ? "ipv6" : "ipv4";
  const bytes = family === "ipv6" ? parseIpv6(address) : parseIpv4(address);
  const prefixLength = Number(length);
  if (bytes === undefined || prefixLength > bytes.length * 8) return undefined;
  return { family, text, prefixLength, bytes };
}

/** Whether the whole network is loopback (127.0.0.0/8, ::1). */
export function isLoopback(cidr: Cidr): boolean {
  if (cidr.family === "ipv4") return cidr.bytes[0] === 127;
  return cidr.bytes.every((byte, index) => byte === (index === 15 ? 1 : 0));
}
