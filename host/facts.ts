import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { type Address, parseAddress } from "../mesh/address.ts";
import { cidr, contains } from "../mesh/cidr.ts";
import type { HostFacts } from "../mesh/redirect/resolve.ts";
import type { PodNetwork } from "../mesh/redirect/trace/trace.ts";
import { parseNameServers } from "../mesh/resolv-conf.ts";
import { inet4Addresses, inet6Addresses } from "./kernel-addresses.ts";

const linkLocal = [cidr("169.254.0.0/16"), cidr("fe80::/10")];
const loopback = [cidr("127.0.0.0/8"), cidr("::1/128"), cidr("::6/128")];

interface OwnAddress {
  readonly interface: string;
  readonly address: Address;
}

/** The addresses of this network namespace besides loopback and link-local ones. */
function ownAddresses(): OwnAddress[] {
  return Object.entries(networkInterfaces())
    .flatMap(([name, list]) => (list ?? []).map((entry) => ({ name, ...entry })))
    .filter(({ internal }) => !internal)
    .flatMap(({ name, address: text }) => {
      const address = parseAddress(text);
      return address === undefined ? [] : [{ interface: name, address }];
    })
    .filter(({ address }) => !linkLocal.some((range) => contains(range, address)));
}

/** The same by the kernel's tables: for the moment in which a Pod's link is not running yet. */
function addressesOfAnyLink(): Address[] {
  const texts = [...inet4Addresses(textOf("/proc/net/fib_trie")), ...inet6Addresses(textOf("/proc/net/if_inet6"))];
  return texts
    .map(parseAddress)
    .filter((address) => address !== undefined)
    .filter((address) => ![...linkLocal, ...loopback].some((range) => contains(range, address)));
}

/** A file's text, or nothing where it cannot be read. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** The facts of the network namespace that this process runs in. */
export function hostFacts(): HostFacts {
  const running = ownAddresses().map(({ address }) => address);
  return {
    addresses: running.length > 0 ? running : addressesOfAnyLink(),
    nameServers: parseNameServers(textOf("/etc/resolv.conf")),
  };
}

/** This network namespace as a Pod's network: its addresses, and the interface that has the first of them. */
export function ownNetwork(): PodNetwork {
  const own = ownAddresses();
  return { addresses: own.map(({ address }) => address), interface: own[0]?.interface ?? "eth0" };
}

/** The third field of a name's line in /etc/passwd or /etc/group: its id. */
function idIn(file: string, name: string): string | undefined {
  const entry = textOf(file)
    .split("\n")
    .map((line) => line.split(":"))
    .find(([known]) => known === name);
  return entry?.[2];
}

/** The id of a user, if /etc/passwd knows the name. */
export function userId(name: string): string | undefined {
  return idIn("/etc/passwd", name);
}

/** The id of a group, if /etc/group knows the name. */
export function groupId(name: string): number | undefined {
  const id = idIn("/etc/group", name);
  return id === undefined ? undefined : Number(id);
}
