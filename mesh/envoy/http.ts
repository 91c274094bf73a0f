import type { Extension } from "./message.ts";
import { extension } from "./message.ts";

/** The filter that ends a chain of HTTP filters; it adds no headers of Envoy's own. */
export const router = extension("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router", {
  suppress_envoy_headers: true,
});

/** The network filter that speaks HTTP. */
export function httpConnectionManager(fields: Readonly<Record<string, unknown>>): Extension {
  return extension(
    "envoy.filters.network.http_connection_manager",
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    fields,
  );
}

/** Answers one path with the health of clusters: 200 while all endpoints of each are healthy, else 503. */
export function healthCheckFilter(name: string, path: string, clusters: readonly string[]): Extension {
  const healthy = clusters.map((cluster) => [cluster, { value: 100 }]);
  return extension(name, "envoy.extensions.filters.http.health_check.v3.HealthCheck", {
    pass_through_mode: false,
    headers: [{ name: ":path", string_match: { exact: path } }],
    cluster_min_healthy_percentages: Object.fromEntries(healthy),
  });
}

/** A route that only GET may take, to exactly one path. */
export function getRoute(path: string, action: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { match: { path, headers: [{ name: ":method", string_match: { exact: "GET" } }] }, ...action };
}
