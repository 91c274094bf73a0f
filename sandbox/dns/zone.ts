import { isIPv6 } from "node:net";
import type { Answer } from "dns-packet";
import { type Backend, backendsOf, isHeadless, type PlacedService, targetPort } from "../network/services.ts";

/**
 * The names of a cluster, as Kubernetes' DNS has them.
 * Specification: https://github.com/kubernetes/dns/blob/master/docs/specification.md
 */
export const clusterDomain = "cluster.local";

/** As in the DNS of clusters: endpoints come and go. */
const ttlSeconds = 5;

/** Every name that exists, lower case, with its records; a name between two that exist has none. */
export type Zone = ReadonlyMap<string, readonly Answer[]>;

function addressRecord(name: string, address: string): Answer {
  return { name, type: isIPv6(address) ? "AAAA" : "A", ttl: ttlSeconds, data: address };
}

function serviceRecord(name: string, port: number, target: string): Answer {
  return { name, type: "SRV", ttl: ttlSeconds, data: { port, target, priority: 0, weight: 100 } };
}

/** `10-244-0-2`, the name of an endpoint that has no other. */
function dashed(address: string): string {
  return address.replaceAll(/[.:]+/g, "-").replace(/^-/, "0-");
}

function reverseName(address: string): string {
  if (!isIPv6(address)) return `${address.split(".").reverse().join(".")}.in-addr.arpa`;
  const [head = "", tail = ""] = address.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const missing = 8 - groups(head).length - groups(tail).length;
  const full = [...groups(head), ...Array(missing).fill("0"), ...groups(tail)];
  const digits = full.map((group) => group.padStart(4, "0")).join("");
  return `${[...digits].reverse().join(".")}.ip6.arpa`;
}

function clusterIpRecords(service: PlacedService, name: string): Answer[] {
  return [
    ...service.clusterIps.map((ip) => addressRecord(name, ip)),
    ...service.clusterIps.map((ip): Answer => ({ name: reverseName(ip), type: "PTR", ttl: ttlSeconds, data: name })),
    ...service.spec.ports
      .filter((port) => port.name !== "")
      .map((port) => serviceRecord(`_${port.name}._${port.protocol.toLowerCase()}.${name}`, port.port, name)),
  ];
}

function headlessRecords(service: PlacedService, name: string, backends: readonly Backend[]): Answer[] {
  return backendsOf(service, backends).flatMap((backend) => {
    const hasOwnName = backend.hostname !== undefined && backend.subdomain === service.name;
    return backend.ips.flatMap((ip) => {
      const own = `${hasOwnName ? backend.hostname : dashed(ip)}.${name}`;
      const ports = service.spec.ports.flatMap((port) => {
        const target = targetPort(port, backend);
        if (port.name === "" || target === undefined) return [];
        return [serviceRecord(`_${port.name}._${port.protocol.toLowerCase()}.${name}`, target, own)];
      });
      const pointer: Answer = { name: reverseName(ip), type: "PTR", ttl: ttlSeconds, data: own };
      return [addressRecord(name, ip), addressRecord(own, ip), ...ports, pointer];
    });
  });
}

function recordsOf(service: PlacedService, backends: readonly Backend[]): Answer[] {
  const name = `${service.name}.${service.namespace}.svc.${clusterDomain}`;
  if (service.spec.type === "ExternalName") {
    return [{ name, type: "CNAME", ttl: ttlSeconds, data: service.spec.externalName.replace(/\.$/, "") }];
  }
  return isHeadless(service) ? headlessRecords(service, name, backends) : clusterIpRecords(service, name);
}

function podRecords({ ips, namespace }: Backend): Answer[] {
  return ips.map((ip) => addressRecord(`${dashed(ip)}.${namespace}.pod.${clusterDomain}`, ip));
}

/** Makes the zone of the Services and Pods that there are now. */
export function buildZone(services: readonly PlacedService[], backends: readonly Backend[]): Zone {
  const zone = new Map<string, Answer[]>([[clusterDomain, []]]);
  const names = services.map((service) => `${service.name}.${service.namespace}.svc.${clusterDomain}`);
  for (const name of names) zone.set(name, []);
  const records = [
    ...services.flatMap((service) => recordsOf(service, backends)),
    ...backends.flatMap((backend) => podRecords(backend)),
  ];
  for (const record of records) {
    const key = record.name.toLowerCase();
    const there = zone.get(key);
    if (there === undefined) zone.set(key, [record]);
    else if (!there.some((one) => JSON.stringify(one) === JSON.stringify(record))) there.push(record);
  }
  for (const name of [...zone.keys()]) addParents(zone, name);
  return zone;
}

/** A name above one that exists exists too, without records (RFC 8020). */
function addParents(zone: Map<string, Answer[]>, name: string): void {
  const labels = name.split(".");
  for (let index = 1; index < labels.length - 1; index += 1) {
    const parent = labels.slice(index).join(".");
    if (!parent.endsWith(clusterDomain)) return;
    if (!zone.has(parent)) zone.set(parent, []);
  }
}
