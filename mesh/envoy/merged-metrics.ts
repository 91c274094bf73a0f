import { appHttpCluster, appHttpClusterName } from "./app-probe.ts";
import { clusterNames } from "./cluster.ts";
import { getRoute } from "./http.ts";
import type { Cluster, Extension } from "./message.ts";
import { extension } from "./message.ts";
import { statisticsRoute, usedStatistics } from "./own-listener.ts";

/** Where the application hands out metrics of its own. */
export interface MetricsTarget {
  readonly port: number;
  /** With a query, if it has one: `/metrics?format=prometheus`. */
  readonly path: string;
}

const mergedPath = "/stats/prometheus";

/**
 * Asks each of the application's ports and Envoy itself, and answers with all of it. What to ask stands in the route's
 * metadata as values; this text is the same for every Pod. An application that does not answer hides nothing of Envoy's.
 * Istio's metrics, which Envoy prints with its own prefix, get the names that Istio's users know.
 */
const mergeScript = `
local function scrape(handle, cluster, path)
  local request = { [":method"] = "GET", [":path"] = path, [":authority"] = "localhost", ["accept"] = "text/plain;version=0.0.4" }
  local ok, headers, body = pcall(handle.httpCall, handle, cluster, request, "", 5000)
  if not ok or headers == nil or headers[":status"] ~= "200" or body == nil then return "" end
  body = body:gsub("# EOF%s*$", "")
  if body ~= "" and body:sub(-1) ~= "\\n" then body = body .. "\\n" end
  return (body:gsub("envoy_istio_", "istio_"))
end
function envoy_on_request(handle)
  local targets = handle:metadata():get("targets")
  if targets == nil then return end
  local parts = {}
  for index = 1, #targets do parts[index] = scrape(handle, targets[index].cluster, targets[index].path) end
  handle:respond({ [":status"] = "200", ["content-type"] = "text/plain; version=0.0.4; charset=utf-8" }, table.concat(parts))
end
`;

const mergeFilter = extension("envoy.filters.http.lua", "envoy.extensions.filters.http.lua.v3.Lua", {
  default_source_code: { inline_string: mergeScript },
});

/** What a listener needs to serve metrics. */
export interface ServedMetrics {
  readonly filters: readonly Extension[];
  readonly routes: readonly Record<string, unknown>[];
  readonly clusters: readonly Cluster[];
}

/**
 * What serving the application's metrics together with Envoy's takes; without any of the application's, Envoy's alone.
 * @param hasIstioMetrics whether Envoy counts Istio's metrics, which it does with a control plane
 */
export function mergedMetrics(targets: readonly MetricsTarget[], hasIstioMetrics: boolean): ServedMetrics {
  if (targets.length === 0 && !hasIstioMetrics) return { filters: [], routes: [statisticsRoute], clusters: [] };
  const asked = targets.map(({ port, path }) => ({ cluster: appHttpClusterName(port, false), path }));
  const all = [...asked, { cluster: clusterNames.admin, path: usedStatistics }];
  const route = getRoute(mergedPath, {
    route: { cluster: clusterNames.admin },
    metadata: { filter_metadata: { "envoy.filters.http.lua": { targets: all } } },
  });
  return { filters: [mergeFilter], routes: [route], clusters: targets.map(({ port }) => appHttpCluster(port, false)) };
}
