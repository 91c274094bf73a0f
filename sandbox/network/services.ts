import type { IpFamily, ServicePortSpec } from "../manifest/kinds.ts";
import type { Service } from "../manifest/manifest.ts";
import { families, familyOf } from "./addresses.ts";

/** A Service with the addresses that it was given; none when it is headless or a name for something outside. */
export interface PlacedService extends Service {
  readonly clusterIps: readonly string[];
  readonly ipFamilies: readonly IpFamily[];
}

/** A Pod as Services see it. */
export interface Backend {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ips: readonly string[];
  readonly ready: boolean;
  readonly ports: readonly {
    readonly name?: string | undefined;
    readonly containerPort: number;
    readonly protocol: string;
  }[];
  readonly hostname?: string | undefined;
  readonly subdomain?: string | undefined;
}

/** The Service that every cluster has for its DNS. */
export const dnsService = { name: "kube-dns", namespace: "kube-system" } as const;

function familiesFor({ spec }: Service, available: readonly IpFamily[]): readonly IpFamily[] {
  if (spec.ipFamilies !== undefined) return spec.ipFamilies.filter((family) => available.includes(family));
  return spec.ipFamilyPolicy === "SingleStack" ? available.slice(0, 1) : available;
}

export function isHeadless({ spec }: Service): boolean {
  return spec.clusterIP === "None";
}

/** Gives each Service its addresses, in order: the one it asks for by `clusterIP`, else the next free one. */
export function placeServices(services: readonly Service[], available: readonly IpFamily[]): PlacedService[] {
  const taken = new Set(services.map(({ spec }) => spec.clusterIP));
  let next = 0;
  const free = (family: IpFamily): string => {
    for (;;) {
      const address = families[family].services.address(next);
      if (!taken.has(address)) return address;
      next += 1;
    }
  };
  return services.map((service) => {
    const ipFamilies = familiesFor(service, available);
    if (isHeadless(service) || service.spec.type === "ExternalName") return { ...service, ipFamilies, clusterIps: [] };
    const asked = service.spec.clusterIP ?? "";
    const clusterIps = ipFamilies.map((family) => (asked !== "" && familyOf(asked) === family ? asked : free(family)));
    next += 1;
    return { ...service, ipFamilies, clusterIps };
  });
}

function selects(service: Service, backend: Backend): boolean {
  const selector = Object.entries(service.spec.selector);
  if (selector.length === 0 || service.namespace !== backend.namespace) return false;
  return selector.every(([key, value]) => Object.hasOwn(backend.labels, key) && backend.labels[key] === value);
}

/** The Pods behind a Service. Those that are not ready count only where the Service publishes them. */
export function backendsOf(service: Service, backends: readonly Backend[]): Backend[] {
  const { publishNotReadyAddresses } = service.spec;
  return backends.filter((backend) => selects(service, backend) && (backend.ready || publishNotReadyAddresses));
}

/** The Pod's port that a Service port leads to; undefined when the Pod has no port of that name. */
export function targetPort({ port, targetPort: target = port, protocol }: ServicePortSpec, backend: Backend) {
  if (typeof target === "number") return target;
  return backend.ports.find(({ name, protocol: own }) => name === target && own === protocol)?.containerPort;
}

export interface Endpoint {
  readonly ip: string;
  readonly port: number;
}

/** Where connections to one address and port of a Service go. */
export interface ServicePort {
  /** `shop/web:http`, for a reader of the rules. */
  readonly name: string;
  readonly ip: string;
  readonly port: number;
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly endpoints: readonly Endpoint[];
  /** Whether one client's connections all go to the same endpoint. */
  readonly sticky: boolean;
}

function endpointsOn(family: IpFamily, port: ServicePortSpec, backends: readonly Backend[]): Endpoint[] {
  return backends.flatMap((backend) => {
    const ip = backend.ips.find((address) => familyOf(address) === family);
    const number = targetPort(port, backend);
    return ip === undefined || number === undefined ? [] : [{ ip, port: number }];
  });
}

/** All addresses and ports of Services, with the endpoints that are ready. */
export function servicePorts(services: readonly PlacedService[], backends: readonly Backend[]): ServicePort[] {
  return services.flatMap((service) => {
    const own = backendsOf(service, backends);
    return service.clusterIps.flatMap((ip) =>
      service.spec.ports.map((port) => ({
        name: `${service.namespace}/${service.name}:${port.name === "" ? port.port : port.name}`,
        ip,
        port: port.port,
        protocol: port.protocol.toLowerCase() as ServicePort["protocol"],
        endpoints: endpointsOn(familyOf(ip), port, own),
        sticky: service.spec.sessionAffinity === "ClientIP",
      })),
    );
  });
}
