import { families, familyOf } from "../network/addresses.ts";
import type { PodObject } from "./schema.ts";

/** What the kubelet writes into each Pod's /etc. */
export interface PodFiles {
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
}

/** The host name of a Pod: its own, else its name; Linux takes at most 63 characters. */
export function hostnameOf({ metadata, spec }: PodObject): string {
  return spec.hostname ?? metadata.name.slice(0, 63).replace(/[-.]+$/, "");
}

function hosts(pod: PodObject, ips: readonly string[], clusterDomain: string): string {
  const { spec, metadata } = pod;
  const hostname = hostnameOf(pod);
  const full =
    spec.subdomain === undefined ? [] : [`${hostname}.${spec.subdomain}.${metadata.namespace}.svc.${clusterDomain}`];
  return [
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    ...ips.map((ip) => [ip, ...full, hostname].join("\t")),
    ...spec.hostAliases.map(({ ip, hostnames }) => [ip, ...hostnames].join("\t")),
  ].join("\n");
}

/** https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-config */
function resolvConf({ spec, metadata }: PodObject, ips: readonly string[], clusterDomain: string): string {
  const ofCluster = spec.dnsPolicy !== "None";
  const servers = ofCluster ? ips.map((ip) => families[familyOf(ip)].dns) : [];
  const searches = ofCluster
    ? [`${metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain]
    : [];
  const options = new Map<string, string | undefined>(ofCluster ? [["ndots", "5"]] : []);
  for (const { name, value } of spec.dnsConfig.options) options.set(name, value);
  const search = [...new Set([...searches, ...spec.dnsConfig.searches])];
  return [
    ...[...new Set([...servers, ...spec.dnsConfig.nameservers])].map((server) => `nameserver ${server}`),
    ...(search.length > 0 ? [`search ${search.join(" ")}`] : []),
    ...(options.size > 0
      ? [`options ${[...options].map(([name, value]) => (value === undefined ? name : `${name}:${value}`)).join(" ")}`]
      : []),
  ].join("\n");
}

export function podFiles(pod: PodObject, ips: readonly string[], clusterDomain: string): PodFiles {
  return {
    hosts: `${hosts(pod, ips, clusterDomain)}\n`,
    hostname: `${hostnameOf(pod)}\n`,
    resolvConf: `${resolvConf(pod, ips, clusterDomain)}\n`,
  };
}
