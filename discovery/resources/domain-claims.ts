import type { VirtualHost } from "../proto/envoy/config/route/v3/route_components_pb.js";
import type { Visibility } from "../registry/visibility.ts";
import type { Resource } from "../translate/resource.ts";

/** A virtual host of a Service's port, as some of its viewers know it. */
export interface ServiceHost {
  /** The Service's key, `namespace/name`, and which of its hosts it is: whose comes first keeps a domain that two want. */
  readonly key: string;
  readonly order: number;
  readonly namespace: string;
  readonly visibility: Visibility;
  readonly port: number;
  readonly host: VirtualHost;
  /** Encoded when it is first needed. */
  resource?: Resource;
}

/** Which hosts want which domains of a port's table. Envoy refuses a table in which two have the same. */
export interface DomainClaims {
  add(host: ServiceHost): void;
  remove(host: ServiceHost): void;
  has(host: ServiceHost): boolean;
  of(port: number, domain: string): Iterable<ServiceHost>;
  isContested(host: ServiceHost): boolean;
  /** The hosts that came, went, or whose rivals did, since the last time. */
  takeTouched(): ReadonlySet<ServiceHost>;
}

export function createDomainClaims(): DomainClaims {
  const claims = new Map<string, Set<ServiceHost>>();
  const present = new Set<ServiceHost>();
  let touched = new Set<ServiceHost>();
  const keyOf = (port: number, domain: string) => `${port} ${domain}`;

  return {
    add(host) {
      present.add(host);
      touched.add(host);
      for (const domain of host.host.domains) {
        const key = keyOf(host.port, domain);
        const claimants = claims.get(key) ?? new Set();
        for (const rival of claimants) touched.add(rival);
        claims.set(key, claimants.add(host));
      }
    },
    remove(host) {
      present.delete(host);
      touched.add(host);
      for (const domain of host.host.domains) {
        const key = keyOf(host.port, domain);
        const claimants = claims.get(key);
        claimants?.delete(host);
        for (const rival of claimants ?? []) touched.add(rival);
        if (claimants?.size === 0) claims.delete(key);
      }
    },
    has: (host) => present.has(host),
    of: (port, domain) => claims.get(keyOf(port, domain)) ?? [],
    isContested: (each) =>
      present.has(each) && each.host.domains.some((domain) => (claims.get(keyOf(each.port, domain))?.size ?? 0) > 1),
    takeTouched() {
      const taken = touched;
      touched = new Set();
      return taken;
    },
  };
}
