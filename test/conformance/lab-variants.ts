import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { captureFolder } from "./capture-cases.ts";

/** A probe of the lab: a connection, and where it landed. */
export interface Probe {
  readonly fam: 4 | 6;
  readonly name: string;
  readonly frm: "pod" | "peer";
  readonly proto: "tcp" | "udp";
  readonly uid: number;
  readonly gid: number;
  readonly src: string | null;
  readonly dst: string;
  readonly port: number;
  /** `pod:15006 orig=10.9.0.2:8080 src=10.9.0.1`, or an error. */
  readonly land: string;
}

/** A configuration whose behaviour is known. */
export interface Variant {
  readonly name: string;
  /** Arguments of `outrigger init`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Whether the lab's Pod has IPv6 addresses. */
  readonly ipv6: boolean;
}

const base = ["-p", "15001", "-z", "15006", "-u", "1337", "-i", "*", "-b", "*", "-d", "15090,15021,15020"];

function variant(name: string, args: readonly string[], more: Partial<Variant> = {}): Variant {
  return { name, args: [...base, ...args], env: {}, ipv6: false, ...more };
}

/** The variants that the conformance folder's README lists. Of a flag that is given twice, the last one counts. */
export const variants: readonly Variant[] = [
  variant("default", []),
  variant("dnsall", ["--redirect-dns", "--capture-all-dns"]),
  variant("tproxy", ["-m", "TPROXY"]),
  variant("out-excl", ["-o", "3306", "-x", "198.51.100.0/24"]),
  variant("out-incl", ["-i", "10.96.0.0/16", "-q", "3306"]),
  variant("in-8080", ["-b", "8080", "-d", ""]),
  variant("lo8", [], { env: { ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR: "127.0.0.1/8" } }),
  variant("group-excl", [], { env: { ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE: "1000" } }),
  variant("cni-defaults", ["-o", "15020"]),
  variant("v4only-on-dual", [], { ipv6: true }),
  variant("dual", ["--dual-stack"], { ipv6: true }),
  variant("dual-dns", ["--dual-stack", "--redirect-dns", "--capture-all-dns"], { ipv6: true }),
];

const behaviourFolder = join(captureFolder, "behaviour");

/** Where each probe landed with the reference; undefined where the folder has no such variant. */
export function readBehaviour(name: string): Probe[] | undefined {
  const path = join(behaviourFolder, `${name}.nft.json`);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Probe[]) : undefined;
}

/** Variants of the folder that are not among ours: their flags are not known here. */
export function unknownVariants(): string[] {
  const files = existsSync(behaviourFolder) ? readdirSync(behaviourFolder) : [];
  const names = files.flatMap((file) => /^(.*)\.nft\.json$/.exec(file)?.[1] ?? []);
  return names.filter((name) => !variants.some((known) => known.name === name));
}

/**
 * Where a probe lands with us: as with the reference, but that TPROXY keeps the bypass of the tunnel port
 * (docs/differences-from-istio-iptables.md).
 */
export function expectedLanding({ name }: Variant, { land, dst, port }: Probe): string {
  if (name !== "tproxy" || port !== 15008 || !land.startsWith("pod:15006 ")) return land;
  const source = land.slice(land.indexOf("src="));
  return `pod:15008 orig=${dst.includes(":") ? `[${dst}]` : dst}:15008 ${source}`;
}
