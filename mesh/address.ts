/** An IP family, as Kubernetes names them. */
export type IpFamily = "IPv4" | "IPv6";

/** An IP address: its family and its value as a number of 32 or 128 bits. */
export interface Address {
  readonly family: IpFamily;
  readonly value: bigint;
}

export const addressBits: Readonly<Record<IpFamily, number>> = { IPv4: 32, IPv6: 128 };

function parseIpv4(text: string): bigint | undefined {
  const octets = text.split(".");
  // A leading zero means octal to some programs and decimal to others: refused, as in RFC 6943, section 3.1.1.
  if (octets.length !== 4 || !octets.every((octet) => /^(0|[1-9]\d{0,2})$/.test(octet) && Number(octet) <= 255)) {
    return undefined;
  }
  return octets.reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);
}

/** The 16-bit groups of a part of an IPv6 address; its last group may be a dotted IPv4 address. */
function parseGroups(text: string): bigint[] | undefined {
  if (text === "") return [];
  const groups: bigint[] = [];
  const words = text.split(":");
  for (const [index, word] of words.entries()) {
    const embedded = index === words.length - 1 ? parseIpv4(word) : undefined;
    if (embedded !== undefined) groups.push(embedded >> 16n, embedded & 0xffffn);
    else if (/^[0-9a-fA-F]{1,4}$/.test(word)) groups.push(BigInt(`0x${word}`));
    else return undefined;
  }
  return groups;
}

function parseIpv6(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? "");
  const tail = parseGroups(halves[1] ?? "");
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...new Array<bigint>(Math.max(missing, 0)).fill(0n), ...tail];
  return groups.reduce((value, group) => (value << 16n) | group, 0n);
}

/** Reads an address as RFC 4291 and RFC 6943 write them: no zone, no leading zeros in IPv4. */
export function parseAddress(text: string): Address | undefined {
  const family = text.includes(":") ? "IPv6" : "IPv4";
  const value = family === "IPv6" ? parseIpv6(text) : parseIpv4(text);
  return value === undefined ? undefined : { family, value };
}

function formatIpv4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
}

/** The longest run of at least two zero groups, the first among equals: what `::` stands for. */
function longestZeroRun(groups: readonly string[]): { start: number; length: number } {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < groups.length; start += 1) {
    let length = 0;
    while (groups[start + length] === "0") length += 1;
    if (length > best.length) best = { start, length };
  }
  return best;
}

/** Whether the last 32 bits are an IPv4 address: `::ffff:10.0.0.1`, and the old `::10.0.0.1`, as inet_ntop has it. */
function embedsIpv4(value: bigint): boolean {
  const prefix = value >> 32n;
  return prefix === 0xffffn || (prefix === 0n && value > 0xffffn);
}

function formatIpv6(value: bigint): string {
  if (embedsIpv4(value)) return `${value >> 32n === 0n ? "::" : "::ffff:"}${formatIpv4(value & 0xffffffffn)}`;
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  const { start, length } = longestZeroRun(groups);
  if (start === -1) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

/** The address in its one canonical form, as inet_ntop and RFC 5952 write it. */
export function formatAddress({ family, value }: Address): string {
  return family === "IPv6" ? formatIpv6(value) : formatIpv4(value);
}
