import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { type Address, parseAddress } from "../mesh/address.ts";
import { cidr, contains } from "../mesh/cidr.ts";
import type { HostFacts } from "../mesh/redirect/resolve.ts";
import { parseNameServers } from "../mesh/resolv-conf.ts";

const linkLocal = [cidr("169.254.0.0/16"), cidr("fe80::/10")];

/** The addresses of this network namespace besides loopback and link-local ones. */
function ownAddresses(): Address[] {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal }) => !internal)
    .flatMap(({ address }) => parseAddress(address) ?? [])
    .filter((address) => !linkLocal.some((range) => contains(range, address)));
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
  return { addresses: ownAddresses(), nameServers: parseNameServers(textOf("/etc/resolv.conf")) };
}

/** The id of a user, if /etc/passwd knows the name. */
export function userId(name: string): string | undefined {
  const entry = textOf("/etc/passwd")
    .split("\n")
    .map((line) => line.split(":"))
    .find(([user]) => user === name);
  return entry?.[2];
}
