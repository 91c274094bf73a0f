import { InvalidArgumentError } from "commander";
import type { IpFamily } from "../manifest/kinds.ts";

const families: Readonly<Record<string, IpFamily>> = { ipv4: "IPv4", ipv6: "IPv6" };

/** Reads `ipv4,ipv6`. */
export function familyList(text: string): IpFamily[] {
  const names = text
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
  const list = names.flatMap((name) => (Object.hasOwn(families, name) ? [families[name] as IpFamily] : []));
  if (list.length === names.length && new Set(list).size === list.length) return list;
  throw new InvalidArgumentError("It must be ipv4, ipv6, or both joined by a comma.");
}
