import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { IpFamilies } from "../../mesh/envoy/address.ts";
import { clusterNames } from "../../mesh/envoy/cluster.ts";
import { ports } from "../../mesh/ports.ts";
import { TrafficDirection } from "../proto/envoy/config/core/v3/base_pb.js";
import type { Filter, FilterChainMatchSchema } from "../proto/envoy/config/listener/v3/listener_components_pb.js";
import { FilterChainSchema } from "../proto/envoy/config/listener/v3/listener_components_pb.js";
import { ListenerSchema } from "../proto/envoy/config/listener/v3/listener_pb.js";
import { RouteConfigurationSchema } from "../proto/envoy/config/route/v3/route_pb.js";
import type { TlsMode } from "../registry/peer-authentication.ts";
import { isHttp, type Protocol } from "../registry/protocol.ts";
import type { Workload } from "../registry/workload.ts";
import { authenticatedTcpFilter, httpFilter, tcpFilter } from "./filters.ts";
import type { InboundPorts } from "./inbound.ts";
import {
  captureAddress,
  detectionTimeout,
  httpInspector,
  originalDestination,
  plainHttpProtocols,
  tlsInspector,
} from "./listener.ts";
import { alpn, inboundClusterName, listenerNames } from "./names.ts";
import { knowPeer } from "./peer-workload.ts";
import { type Resource, resource } from "./resource.ts";
import { clusterRoute } from "./routes.ts";
import type { MeshSettings } from "./settings.ts";
import { tcpMetrics } from "./tcp-metrics.ts";
import { accessLogs, connectionLogs, httpMetrics, inboundTags, refusalLogs } from "./telemetry.ts";
import { downstreamTls } from "./tls.ts";

/** One kind of traffic to one port, or to every port that has no chain of its own. */
interface Inlet {
  readonly port: number | undefined;
  readonly protocol: Protocol;
  readonly cluster: string;
  readonly service: { readonly host: string; readonly name: string } | undefined;
}

type Security = "mutual_tls" | "none";

interface Context {
  readonly settings: MeshSettings;
  readonly workload: Workload;
}

type Match = MessageInitShape<typeof FilterChainMatchSchema>;

function httpFilters({ settings, workload }: Context, inlet: Inlet, security: Security): Filter[] {
  const tags = inboundTags(workload, inlet.service, security, settings.trustDomain);
  const name = inlet.cluster;
  const table = create(RouteConfigurationSchema, {
    name,
    virtualHosts: [{ name: `inbound|http|${inlet.port ?? 0}`, domains: ["*"], routes: [clusterRoute(inlet.cluster)] }],
  });
  return [
    ...(security === "mutual_tls" ? [knowPeer] : []),
    httpFilter({
      statPrefix: `inbound_${inlet.port ?? "0.0.0.0_0"}`,
      routes: { table },
      accessLog: [...accessLogs(settings), httpMetrics(tags)],
      clientCertificate: security === "mutual_tls" ? "set" : "remove",
      tracing: settings.tracing,
    }),
  ];
}

function tcpFilters({ settings, workload }: Context, inlet: Inlet, security: Security): Filter[] {
  const tags = inboundTags(workload, inlet.service, security, settings.trustDomain);
  const logs = [...connectionLogs(settings), ...tcpMetrics(tags)];
  if (security === "none") return [tcpFilter(inlet.cluster, inlet.cluster, logs)];
  return [knowPeer, authenticatedTcpFilter(inlet.cluster, inlet.cluster, logs)];
}

function filterChain(name: string, inlet: Inlet, match: Match, filters: Filter[], tls: boolean, trustDomain: string) {
  const destination = inlet.port === undefined ? {} : { destinationPort: inlet.port };
  return create(FilterChainSchema, {
    name,
    filterChainMatch: { ...destination, ...match },
    filters,
    ...(tls ? { transportSocket: downstreamTls({ prefix: `spiffe://${trustDomain}/` }) } : {}),
  });
}

/** The mesh's TLS: the client's ALPN tells it from the application's own, and HTTP from bytes. */
function tlsChains(context: Context, inlet: Inlet, name: string) {
  const { trustDomain } = context.settings;
  const tls = (applicationProtocols: string[]): Match => ({ transportProtocol: "tls", applicationProtocols });
  const http = httpFilters(context, inlet, "mutual_tls");
  const tcp = tcpFilters(context, inlet, "mutual_tls");
  const all = [alpn.meshHttp, alpn.mesh];
  if (isHttp(inlet.protocol)) return [filterChain(`${name}-mtls`, inlet, tls(all), http, true, trustDomain)];
  if (inlet.protocol !== "auto") return [filterChain(`${name}-mtls`, inlet, tls(all), tcp, true, trustDomain)];
  return [
    filterChain(`${name}-mtls-http`, inlet, tls([alpn.meshHttp]), http, true, trustDomain),
    filterChain(`${name}-mtls-tcp`, inlet, tls([alpn.mesh]), tcp, true, trustDomain),
  ];
}

/**
 * Plain text, and whatever TLS the application speaks itself, which passes as bytes. Envoy goes down from the port to the
 * transport to ALPN and never back up: each transport needs a chain of its own.
 */
function plainChains(context: Context, inlet: Inlet, name: string) {
  const { trustDomain } = context.settings;
  const http = httpFilters(context, inlet, "none");
  const tcp = tcpFilters(context, inlet, "none");
  const plain = (suffix: string, match: Match, filters: Filter[]) =>
    filterChain(`${name}-${suffix}`, inlet, match, filters, false, trustDomain);
  const raw = { transportProtocol: "raw_buffer" };
  const ownTls = plain("own-tls", { transportProtocol: "tls" }, tcp);
  if (isHttp(inlet.protocol)) return [plain("plain", raw, http), ownTls];
  if (inlet.protocol !== "auto") return [plain("plain", raw, tcp), ownTls];
  return [
    plain("plain-http", { ...raw, applicationProtocols: plainHttpProtocols }, http),
    plain("plain-tcp", raw, tcp),
    ownTls,
  ];
}

function inletChains(context: Context, inlet: Inlet, mode: TlsMode) {
  const name = inlet.port === undefined ? "virtualInbound-passthrough" : `0.0.0.0_${inlet.port}`;
  const tls = mode === "DISABLE" ? [] : tlsChains(context, inlet, name);
  const plain = mode === "STRICT" ? [] : plainChains(context, inlet, name);
  return [...tls, ...plain];
}

function inlets({ ports: known, mode, otherPortModes }: InboundPorts): { inlet: Inlet; mode: TlsMode }[] {
  const passthrough = (port: number | undefined): Inlet => ({
    port,
    protocol: "auto",
    cluster: clusterNames.inboundPassthrough,
    service: undefined,
  });
  return [
    ...known.map(({ port, protocol, service, mode: own }) => ({
      inlet: { port, protocol, service, cluster: inboundClusterName(port) },
      mode: own,
    })),
    ...[...otherPortModes].map(([port, own]) => ({ inlet: passthrough(port), mode: own })),
    { inlet: passthrough(undefined), mode },
  ];
}

/** 15006: what comes to the Pod, port by port, in mutual TLS or plain text as its PeerAuthentication has it. */
export function virtualInbound(
  settings: MeshSettings,
  workload: Workload,
  inbound: InboundPorts,
  families: IpFamilies,
): Resource {
  const context = { settings, workload };
  const listener = create(ListenerSchema, {
    name: listenerNames.inbound,
    ...captureAddress(families, ports.inbound),
    trafficDirection: TrafficDirection.INBOUND,
    listenerFilters: [originalDestination, tlsInspector, httpInspector],
    listenerFiltersTimeout: detectionTimeout,
    continueOnListenerFiltersTimeout: true,
    accessLog: refusalLogs(settings),
    filterChains: [
      {
        name: "virtualInbound-blackhole",
        filterChainMatch: { destinationPort: ports.inbound },
        filters: [tcpFilter(clusterNames.blackHole, clusterNames.blackHole, [])],
      },
      ...inlets(inbound).flatMap(({ inlet, mode }) => inletChains(context, inlet, mode)),
    ],
  });
  return resource("listeners", listener.name, ListenerSchema, listener);
}
