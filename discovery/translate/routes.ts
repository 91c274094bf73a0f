import { create } from "@bufbuild/protobuf";
import { clusterNames } from "../../mesh/envoy/cluster.ts";
import {
  type Route,
  RouteSchema,
  type VirtualHost,
  VirtualHostSchema,
} from "../proto/envoy/config/route/v3/route_components_pb.js";
import { type RouteConfiguration, RouteConfigurationSchema } from "../proto/envoy/config/route/v3/route_pb.js";
import { isHttp } from "../registry/protocol.ts";
import type { Service, ServicePort } from "../registry/service.ts";
import type { ServiceEntry } from "../registry/snapshot.ts";
import type { MeshView } from "./mesh-view.ts";
import { milliseconds } from "./message.ts";
import { outboundClusterName, podAddressKey, portRouteName, serviceRouteName, unreachedHeader } from "./names.ts";
import type { Resource } from "./resource.ts";
import { type EncodedHost, encodedRouteTable, encodeHost } from "./route-table.ts";

/**
 * Every path to one cluster, without a time limit of ours; which requests are tried again stands in the cluster.
 * `podAddress` chooses one Pod of a headless Service.
 */
export function clusterRoute(cluster: string, podAddress?: string): Route {
  const filterMetadata = podAddress === undefined ? {} : { "envoy.lb": { [podAddressKey]: podAddress } };
  return create(RouteSchema, {
    name: "default",
    match: { pathSpecifier: { case: "prefix", value: "/" } },
    action: {
      case: "route",
      value: {
        clusterSpecifier: { case: "cluster", value: cluster },
        timeout: milliseconds(0),
        maxStreamDuration: { maxStreamDuration: milliseconds(0), grpcTimeoutHeaderMax: milliseconds(0) },
        ...(podAddress === undefined ? {} : { metadataMatch: { filterMetadata } }),
      },
    },
  });
}

function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

/** Every form of a Service's name that its Pods may use, as seen from a namespace. */
export function nameForms({ name, namespace }: Pick<Service, "name" | "namespace">, domain: string, from: string) {
  const forms = [`${name}.${namespace}.svc.${domain}`, `${name}.${namespace}.svc`, `${name}.${namespace}`];
  return namespace === from ? [...forms, name] : forms;
}

/** A name outside the cluster that is in truth another Service's: requests go there, in mutual TLS. */
function targetHost(view: MeshView, { resolution, host }: Service): string {
  if (resolution.kind !== "external-name") return host;
  const suffix = `.svc.${view.settings.domain}`;
  const target = resolution.host.replace(/\.$/, "");
  const [name, namespace] = target.endsWith(suffix) ? target.slice(0, -suffix.length).split(".") : [];
  return view.snapshot.services.has(`${namespace}/${name}`) ? target : host;
}

function serviceHost(view: MeshView, { service }: ServiceEntry, port: ServicePort, from: string): VirtualHost {
  const addresses = service.resolution.kind === "cluster-ip" ? service.resolution.addresses : [];
  return create(VirtualHostSchema, {
    name: `${service.host}:${port.port}`,
    domains: [...nameForms(service, view.settings.domain, from), ...addresses.map(bracketed)],
    routes: [clusterRoute(outboundClusterName(targetHost(view, service), port.port))],
  });
}

/** Each Pod of a headless Service by its address, and by its own name where it has one. */
function podHosts(
  view: MeshView,
  { service, endpoints }: ServiceEntry,
  port: ServicePort,
  from: string,
): VirtualHost[] {
  if (service.resolution.kind !== "headless") return [];
  const forms = nameForms(service, view.settings.domain, from);
  return endpoints.map((endpoint) =>
    create(VirtualHostSchema, {
      name: `${endpoint.address}:${service.host}:${port.port}`,
      domains: [
        bracketed(endpoint.address),
        ...(endpoint.hostname === "" ? [] : forms.map((form) => `${endpoint.hostname}.${form}`)),
      ],
      routes: [clusterRoute(outboundClusterName(service.host, port.port), endpoint.address)],
    }),
  );
}

/** What happens to a Host that no Service has. */
export function otherHosts(view: MeshView): VirtualHost {
  if (view.settings.outboundTraffic === "ALLOW_ANY") {
    return create(VirtualHostSchema, {
      name: "allow_any",
      domains: ["*"],
      routes: [clusterRoute(clusterNames.passthrough)],
      includeRequestAttemptCount: false,
    });
  }
  const refuse = create(RouteSchema, {
    name: "block_all",
    match: { pathSpecifier: { case: "prefix", value: "/" } },
    action: { case: "directResponse", value: { status: 502 } },
  });
  return create(VirtualHostSchema, { name: "block_all", domains: ["*"], routes: [refuse] });
}

/** A route table's own part, beside its virtual hosts. */
export function tableFields(name: string): RouteConfiguration {
  return create(RouteConfigurationSchema, {
    name,
    ignorePortInHostMatching: true,
    responseHeadersToRemove: [unreachedHeader],
    maxDirectResponseBodySizeBytes: 1_048_576,
  });
}

/** Whether requests to this port of a Service are found in the port's route table. */
export function isRoutedByHost({ protocol }: ServicePort): boolean {
  return isHttp(protocol) || protocol === "auto";
}

/** A Service and one of its ports. */
export interface Exposure {
  readonly entry: ServiceEntry;
  readonly port: ServicePort;
}

/** Whether a Service's part of its ports' tables is what it was: endpoints only count where each Pod has a name of its own. */
export function sameHosts(one: ServiceEntry | undefined, other: ServiceEntry): boolean {
  return one?.service === other.service && other.service.resolution.kind !== "headless";
}

/** The virtual hosts of one port of a Service, as Pods of a namespace know it. */
export function serviceHosts(view: MeshView, { entry, port }: Exposure, from: string): VirtualHost[] {
  return [serviceHost(view, entry, port, from), ...podHosts(view, entry, port, from)];
}

/** The same, encoded for a table that holds them all. */
export function encodedHosts(view: MeshView, exposure: Exposure, from: string): EncodedHost[] {
  return serviceHosts(view, exposure, from).map(encodeHost);
}

/** The route table of a port from its virtual hosts, and what happens to every other Host. */
export function portRoutes(view: MeshView, port: number, hosts: Iterable<EncodedHost>): Resource {
  return encodedRouteTable(tableFields(portRouteName(port)), [...hosts, encodeHost(otherHosts(view))]);
}

/** The route table of one Service's port: whatever the Host, the Service was meant by its address. */
export function serviceRoutes({ service }: ServiceEntry, port: ServicePort): Resource {
  const host = create(VirtualHostSchema, {
    name: `${service.host}:${port.port}`,
    domains: ["*"],
    routes: [clusterRoute(outboundClusterName(service.host, port.port))],
  });
  return encodedRouteTable(tableFields(serviceRouteName(service.host, port.port)), [encodeHost(host)]);
}
