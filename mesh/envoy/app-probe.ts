import { podAddress } from "./address.ts";
import { endpointAt, fromInboundSource } from "./cluster.ts";
import { getRoute, healthCheckFilter } from "./http.ts";
import type { Cluster, Extension } from "./message.ts";
import { extension } from "./message.ts";

/** How the application is asked whether it is well. */
export type ProbeAction =
  | { readonly kind: "httpGet"; readonly path: string; readonly tls: boolean }
  | { readonly kind: "tcpSocket" }
  | { readonly kind: "grpc"; readonly service: string };

/** A probe of the application that Envoy makes in kubelet's place. */
export interface AppProbe {
  /** The path under which Envoy answers for it: `/app-health/till/readyz`. */
  readonly servedPath: string;
  readonly port: number;
  readonly timeoutSeconds: number;
  readonly action: ProbeAction;
}

/** A port of the application as Envoy reaches it directly, past the capture. */
function appCluster(name: string, port: number, fields: Readonly<Record<string, unknown>>): Cluster {
  return {
    name,
    type: "STATIC",
    connect_timeout: "5s",
    load_assignment: endpointAt(name, podAddress, port),
    ...fromInboundSource,
    ...fields,
  };
}

/** The port of the application that HTTP requests go to. */
export function appHttpClusterName(port: number, tls: boolean): string {
  return `app-${tls ? "https" : "http"}-${port}`;
}

const unverifiedTls = {
  transport_socket: extension(
    "envoy.transport_sockets.tls",
    "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
    { common_tls_context: {} },
  ),
};

/** As kubelet, Envoy does not ask who answers a probe over TLS. */
export function appHttpCluster(port: number, tls: boolean): Cluster {
  return appCluster(appHttpClusterName(port, tls), port, tls ? unverifiedTls : {});
}

const http2 = {
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
};

/** A cluster that Envoy keeps checking: kubelet asks for what was found last, a second ago at most. */
function checkedCluster({ servedPath, port, timeoutSeconds, action }: AppProbe): Cluster {
  const grpc = action.kind === "grpc";
  const check = grpc ? { grpc_health_check: { service_name: action.service } } : { tcp_health_check: {} };
  return appCluster(servedPath, port, {
    ...(grpc && http2),
    health_checks: [
      {
        timeout: `${timeoutSeconds}s`,
        interval: "1s",
        no_traffic_interval: "1s",
        healthy_threshold: 1,
        unhealthy_threshold: 1,
        ...check,
      },
    ],
  });
}

/** The clusters that the probes need, each once. */
export function probeClusters(probes: readonly AppProbe[]): Cluster[] {
  const clusters = probes.map((probe) =>
    probe.action.kind === "httpGet" ? appHttpCluster(probe.port, probe.action.tls) : checkedCluster(probe),
  );
  return [...new Map(clusters.map((cluster) => [cluster.name, cluster])).values()];
}

/**
 * Routes that hand a probe to the application as an HTTP request. Where it answers with a redirection, that is the
 * answer: kubelet would look for the place on Envoy's port.
 */
export function probeRoutes(probes: readonly AppProbe[]): Record<string, unknown>[] {
  return probes.flatMap(({ servedPath, port, timeoutSeconds, action }) => {
    if (action.kind !== "httpGet") return [];
    const route = {
      cluster: appHttpClusterName(port, action.tls),
      prefix_rewrite: action.path,
      timeout: `${timeoutSeconds}s`,
    };
    return [getRoute(servedPath, { route, response_headers_to_remove: ["location"] })];
  });
}

/** Filters that answer the other probes with what Envoy's own checks found. */
export function probeFilters(probes: readonly AppProbe[]): Extension[] {
  const checked = probes.filter(({ action }) => action.kind !== "httpGet");
  return checked.map(({ servedPath }, index) => healthCheckFilter(`probe-${index}`, servedPath, [servedPath]));
}
