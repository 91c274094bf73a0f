import { create } from "@bufbuild/protobuf";
import type { IpFamilies } from "../../mesh/envoy/address.ts";
import { clusterNames } from "../../mesh/envoy/cluster.ts";
import { ports } from "../../mesh/ports.ts";
import { TrafficDirection } from "../proto/envoy/config/core/v3/base_pb.js";
import type { Filter } from "../proto/envoy/config/listener/v3/listener_components_pb.js";
import { ListenerSchema } from "../proto/envoy/config/listener/v3/listener_pb.js";
import { isHttp } from "../registry/protocol.ts";
import type { ServicePort } from "../registry/service.ts";
import type { ServiceEntry } from "../registry/snapshot.ts";
import { announceHttp, httpFilter, tcpFilter } from "./filters.ts";
import { captureAddress, chain, handedListener, httpInspector, plainHttpProtocols } from "./listener.ts";
import { addressListenerName, listenerNames, outboundClusterName, portRouteName, serviceRouteName } from "./names.ts";
import { type Resource, resource } from "./resource.ts";
import type { MeshSettings } from "./settings.ts";
import { tcpMetrics } from "./tcp-metrics.ts";
import { accessLogs, connectionLogs, httpMetrics, outboundTags } from "./telemetry.ts";

function listenerResource(listener: ReturnType<typeof handedListener>): Resource {
  return resource("listeners", listener.name, ListenerSchema, listener);
}

function outboundTcp(settings: MeshSettings, cluster: string, podAddress?: string): Filter {
  return tcpFilter(cluster, cluster, [...connectionLogs(settings), ...tcpMetrics(outboundTags)], podAddress);
}

function outboundHttp(settings: MeshSettings, statPrefix: string, routeName: string): Filter[] {
  const accessLog = [...accessLogs(settings), httpMetrics(outboundTags)];
  const { tracing } = settings;
  const routes = { name: routeName };
  return [announceHttp, httpFilter({ statPrefix, routes, accessLog, clientCertificate: "remove", tracing })];
}

/** Where traffic goes that no Service explains. */
function elsewhere(settings: MeshSettings): string {
  return settings.outboundTraffic === "ALLOW_ANY" ? clusterNames.passthrough : clusterNames.blackHole;
}

/**
 * 15001: hands each connection to the listener of the address it was meant for, else passes it on or refuses it. A
 * connection to 15001 itself has no other destination, and would go round in circles.
 */
export function virtualOutbound(settings: MeshSettings, families: IpFamilies): Resource {
  const listener = create(ListenerSchema, {
    name: listenerNames.outbound,
    ...captureAddress(families, ports.outbound),
    trafficDirection: TrafficDirection.OUTBOUND,
    useOriginalDst: true,
    filterChains: [
      {
        name: "virtualOutbound-blackhole",
        filterChainMatch: { destinationPort: ports.outbound },
        filters: [tcpFilter(clusterNames.blackHole, clusterNames.blackHole, [])],
      },
    ],
    defaultFilterChain: chain("virtualOutbound-catchall-tcp", [outboundTcp(settings, elsewhere(settings))]),
  });
  return listenerResource(listener);
}

/** All HTTP to a port, whatever its destination: the Host decides. What is not HTTP was not meant for a known Service. */
export function portListener(settings: MeshSettings, port: number): Resource {
  const name = addressListenerName("0.0.0.0", port);
  return listenerResource(
    handedListener(name, ["0.0.0.0", "::"], port, {
      listenerFilters: [httpInspector],
      filterChains: [chain(name, outboundHttp(settings, `outbound_${name}`, portRouteName(port)), plainHttpProtocols)],
      defaultFilterChain: chain("PassthroughFilterChain", [outboundTcp(settings, elsewhere(settings))]),
    }),
  );
}

/** Bytes to one port of a Service, by the Service's addresses. */
function tcpListener(settings: MeshSettings, addresses: readonly string[], { entry, port }: ListenerOf): Resource {
  const name = addressListenerName(addresses[0] ?? "", port.port);
  const cluster = outboundClusterName(entry.service.host, port.port);
  return listenerResource(
    handedListener(name, addresses, port.port, { filterChains: [chain(name, [outboundTcp(settings, cluster)])] }),
  );
}

/** A Service's port of which nothing is said: HTTP if the first bytes look like it, else bytes. */
function detectingListener(
  settings: MeshSettings,
  addresses: readonly string[],
  { entry, port }: ListenerOf,
): Resource {
  const name = addressListenerName(addresses[0] ?? "", port.port);
  const { host } = entry.service;
  const filters = outboundHttp(settings, `outbound_${name}`, serviceRouteName(host, port.port));
  return listenerResource(
    handedListener(name, addresses, port.port, {
      listenerFilters: [httpInspector],
      filterChains: [chain(`${name}-http`, filters, plainHttpProtocols)],
      defaultFilterChain: chain(name, [outboundTcp(settings, outboundClusterName(host, port.port))]),
    }),
  );
}

interface ListenerOf {
  readonly entry: ServiceEntry;
  readonly port: ServicePort;
}

/** One Pod of a headless Service, by its address: what are bytes goes to that Pod and no other, HTTP by its Host. */
function podListener(settings: MeshSettings, address: string, { entry, port }: ListenerOf): Resource {
  const name = addressListenerName(address, port.port);
  const cluster = outboundClusterName(entry.service.host, port.port);
  const bytes = chain(name, [outboundTcp(settings, cluster, address)]);
  if (port.protocol !== "auto")
    return listenerResource(handedListener(name, [address], port.port, { filterChains: [bytes] }));
  const filters = outboundHttp(settings, `outbound_${name}`, portRouteName(port.port));
  return listenerResource(
    handedListener(name, [address], port.port, {
      listenerFilters: [httpInspector],
      filterChains: [chain(`${name}-http`, filters, plainHttpProtocols)],
      defaultFilterChain: bytes,
    }),
  );
}

/** The listeners that one port of a Service needs besides the port's own. */
export function serviceListeners(settings: MeshSettings, of: ListenerOf): Resource[] {
  const { resolution } = of.entry.service;
  const { protocol } = of.port;
  if (protocol === "udp" || isHttp(protocol) || resolution.kind === "external-name") return [];
  if (resolution.kind === "headless")
    return of.entry.endpoints.map(({ address }) => podListener(settings, address, of));
  return [(protocol === "auto" ? detectingListener : tcpListener)(settings, resolution.addresses, of)];
}
