import { ports } from "../ports.ts";
import { anyAddress, type IpFamilies } from "./address.ts";
import { clusterNames, ownListenerClusterName } from "./cluster.ts";
import { getRoute, healthCheckFilter, httpConnectionManager, router } from "./http.ts";
import type { Extension, Listener } from "./message.ts";

/** What a small HTTP server of Envoy's own serves. */
export interface OwnServer {
  readonly name: string;
  readonly port: number;
  readonly families: IpFamilies;
  /** Filters that answer or change requests, in order. */
  readonly filters?: readonly Extension[];
  readonly routes?: readonly unknown[];
}

/** A small HTTP server of Envoy's own: the filters, then the routes, and 404 for everything else. */
export function ownHttpListener({ name, port, families, filters = [], routes = [] }: OwnServer): Listener {
  const notFound = { match: { prefix: "/" }, direct_response: { status: 404 } };
  const manager = httpConnectionManager({
    stat_prefix: name,
    route_config: { name, virtual_hosts: [{ name, domains: ["*"], routes: [...routes, notFound] }] },
    http_filters: [...filters, router],
    common_http_protocol_options: { idle_timeout: "300s" },
    request_timeout: "10s",
  });
  return { name, address: anyAddress(families, port), filter_chains: [{ name, filters: [manager] }] };
}

const readyPath = "/healthz/ready";

/** 15021 `/healthz/ready`: 200 while Envoy is live, does not drain, and accepts connections on the capture ports. */
export function healthListener(families: IpFamilies, capturePorts: readonly number[]): Listener {
  const clusters = capturePorts.map(ownListenerClusterName);
  const ready = healthCheckFilter("envoy.filters.http.health_check", readyPath, clusters);
  return ownHttpListener({ name: "health", port: ports.health, families, filters: [ready] });
}

/** Of Envoy's thousands of statistics, those that something was counted in. */
export const usedStatistics = "/stats/prometheus?usedonly";

/** The statistics, and nothing else of the admin interface. */
export const statisticsRoute = getRoute("/stats/prometheus", {
  route: { cluster: clusterNames.admin, prefix_rewrite: usedStatistics },
});

/** 15090 `/stats/prometheus`. */
export function prometheusListener(families: IpFamilies, served: Pick<OwnServer, "filters" | "routes">): Listener {
  return ownHttpListener({ name: "prometheus", port: ports.prometheus, families, ...served });
}
