import { isIP } from "node:net";
import type { IpFamily } from "../manifest/kinds.ts";

/**
 * The addresses inside a sandbox. Nothing outside can reach them nor they it, so that every sandbox uses the same ones,
 * and they cannot meet those of the host's own networks.
 */
export interface AddressRange {
  /** The whole range, in CIDR form. */
  readonly cidr: string;
  readonly address: (index: number) => string;
}

function ipv4(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join(".");
}

function ipv4Range(first: number, cidr: string): AddressRange {
  return { cidr, address: (index) => ipv4(first + index) };
}

function ipv6Range(prefix: string, first: number, cidr: string): AddressRange {
  return { cidr, address: (index) => `${prefix}${(first + index).toString(16)}` };
}

export interface FamilyPlan {
  /** The node, which is every Pod's gateway. */
  readonly node: string;
  readonly dns: string;
  readonly pods: AddressRange;
  readonly services: AddressRange;
  /** The prefix length of a single address. */
  readonly hostPrefix: number;
}

export const families: Readonly<Record<IpFamily, FamilyPlan>> = {
  IPv4: {
    node: "10.244.0.1",
    dns: "10.96.0.10",
    pods: ipv4Range(0x0af40002, "10.244.0.0/16"),
    services: ipv4Range(0x0a600064, "10.96.0.0/16"),
    hostPrefix: 32,
  },
  IPv6: {
    node: "fd00:10:244::1",
    dns: "fd00:10:96::a",
    pods: ipv6Range("fd00:10:244::", 2, "fd00:10:244::/112"),
    services: ipv6Range("fd00:10:96::", 0x64, "fd00:10:96::/112"),
    hostPrefix: 128,
  },
};

/** How many Pods, and how many Services, a sandbox has addresses for. */
export const addressLimit = 4096;

export function familyOf(address: string): IpFamily {
  return isIP(address) === 6 ? "IPv6" : "IPv4";
}

/** The addresses of the `index`th Pod, the sandbox's first family first. */
export function podAddresses(index: number, ipFamilies: readonly IpFamily[]): string[] {
  return ipFamilies.map((family) => families[family].pods.address(index));
}
