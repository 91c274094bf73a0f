import type { Answer, RecordType } from "dns-packet";
import { clusterDomain, type Zone } from "./zone.ts";

export interface Resolution {
  /** `SERVFAIL` for a name outside of the cluster: nobody here can say anything about it. */
  readonly rcode: "NOERROR" | "NXDOMAIN" | "SERVFAIL";
  readonly answers: readonly Answer[];
  /** Tells a resolver that the cluster's names are decided here, and for how long a "no" may be kept. */
  readonly authorities: readonly Answer[];
}

const longestAliasChain = 8;

const authority: Answer = {
  name: clusterDomain,
  type: "SOA",
  ttl: 5,
  data: {
    mname: `ns.dns.${clusterDomain}`,
    rname: `hostmaster.${clusterDomain}`,
    serial: 1,
    refresh: 7200,
    retry: 1800,
    expire: 86400,
    minimum: 5,
  },
};

function isOurs(name: string): boolean {
  return [clusterDomain, "in-addr.arpa", "ip6.arpa"].some((suffix) => name === suffix || name.endsWith(`.${suffix}`));
}

/** A single label has no top-level domain: no server anywhere knows it. */
function outside(name: string): Resolution {
  return { rcode: name.includes(".") ? "SERVFAIL" : "NXDOMAIN", answers: [], authorities: [] };
}

/** The aliases from a name on, and the name at their end; undefined when they lead round in a circle. */
function followAliases(zone: Zone, start: string): { aliases: Answer[]; name: string } | undefined {
  const aliases: Answer[] = [];
  let name = start;
  while (aliases.length <= longestAliasChain) {
    const alias = zone.get(name)?.find((record) => record.type === "CNAME");
    if (alias?.type !== "CNAME") return { aliases, name };
    aliases.push(alias);
    name = alias.data.toLowerCase();
  }
  return undefined;
}

/** Answers a question from the zone; follows aliases. The order of several addresses is turned by `turn`. */
export function resolve(zone: Zone, question: { name: string; type: RecordType }, turn = 0): Resolution {
  const asked = question.name.toLowerCase().replace(/\.$/, "");
  const followed = question.type === "CNAME" ? { aliases: [], name: asked } : followAliases(zone, asked);
  if (followed === undefined) return { rcode: "SERVFAIL", answers: [], authorities: [] };
  const { aliases, name } = followed;
  if (!isOurs(name)) return { ...outside(name), answers: aliases };
  const records = zone.get(name);
  if (records === undefined) return { rcode: "NXDOMAIN", answers: aliases, authorities: [authority] };
  const found = records.filter((record) => record.type === question.type);
  const start = found.length === 0 ? 0 : turn % found.length;
  const answers = [...aliases, ...found.slice(start), ...found.slice(0, start)];
  return { rcode: "NOERROR", answers, authorities: found.length === 0 ? [authority] : [] };
}
