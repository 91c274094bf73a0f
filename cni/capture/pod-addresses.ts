import { type Address, parseAddress } from "../../mesh/address.ts";
import { cidr, contains } from "../../mesh/cidr.ts";

const linkLocal = [cidr("169.254.0.0/16"), cidr("fe80::/10")];

/** The addresses by which others reach the Pod, in the given order; a prefix length (`10.0.0.5/24`) is left out. */
export function podAddresses(texts: readonly string[]): Address[] {
  return texts
    .flatMap((text) => parseAddress(text.replace(/\/\d+$/, "")) ?? [])
    .filter((address) => !linkLocal.some((range) => contains(range, address)));
}
