import { isDeepStrictEqual } from "node:util";
import { OutriggerError } from "../../mesh/errors.ts";
import { isObject } from "../../mesh/json.ts";
import { checked } from "../../mesh/schema-problems.ts";
import { readYaml } from "../../mesh/yaml.ts";
import { type ProxyConfig, proxyConfigFields, proxyConfigSchema } from "./proxy-config.ts";

/** What a proxy's configuration is where nobody says otherwise. */
export const defaultProxyConfig: ProxyConfig = {
  configPath: "./etc/istio/proxy",
  binaryPath: "/usr/local/bin/envoy",
  serviceCluster: "istio-proxy",
  drainDuration: "45s",
  proxyAdminPort: 15000,
  controlPlaneAuthPolicy: "MUTUAL_TLS",
  discoveryAddress: "istiod.istio-system.svc:15012",
  statNameLength: 189,
  statusPort: 15020,
  terminationDrainDuration: "5s",
};

/** A later configuration over an earlier one: fields replace each other, `proxyMetadata` is unioned. */
export function mergeProxyConfig(base: ProxyConfig, overlay: ProxyConfig): ProxyConfig {
  const merged: ProxyConfig = { ...base, ...overlay };
  if (overlay.proxyMetadata !== undefined) merged.proxyMetadata = { ...base.proxyMetadata, ...overlay.proxyMetadata };
  // The two are alternatives of one name.
  if (overlay.tracingServiceName !== undefined && overlay.serviceCluster === undefined) delete merged.serviceCluster;
  if (overlay.serviceCluster !== undefined && overlay.tracingServiceName === undefined)
    delete merged.tracingServiceName;
  return merged;
}

/** Values that protobuf leaves out, since they are what an absent field means. */
const absent: ReadonlySet<unknown> = new Set(["", "REDIRECT", "APP_LABEL_AND_NAMESPACE"]);
/** Fields in which zero and false say something else than nothing. */
const wrapped: ReadonlySet<string> = new Set(["concurrency", "holdApplicationUntilProxyStarts", "fileFlushMinSizeKb"]);

const maps: ReadonlySet<string> = new Set(["proxyMetadata", "runtimeValues"]);

function says(field: string, value: unknown): boolean {
  if (value === undefined || absent.has(value)) return false;
  if (wrapped.has(field)) return true;
  if (value === 0 || value === false || (field === "controlPlaneAuthPolicy" && value === "NONE")) return false;
  if (isObject(value) && maps.has(field)) return Object.keys(value).length > 0;
  return !(Array.isArray(value) && value.length === 0);
}

function sortedKeys(value: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The JSON that the proxy's agent gets: what differs from the defaults, in the order of the protobuf message. */
export function proxyConfigJson(config: ProxyConfig): string {
  const printed: Record<string, unknown> = {};
  for (const field of proxyConfigFields) {
    const value = config[field];
    if (!says(field, value) || isDeepStrictEqual(value, defaultProxyConfig[field])) continue;
    printed[field] = maps.has(field) ? sortedKeys(value as Record<string, string>) : value;
  }
  return JSON.stringify(printed);
}

/** Ten times what a ProxyConfig with all its fields takes. Reading YAML takes time that grows with its length squared. */
const longestText = 16 * 1024;

/**
 * Reads a Pod's annotation `proxy.istio.io/config`.
 * @throws OutriggerError BAD_OBJECT with the path of every field that has the wrong form
 */
export function readProxyConfig(text: string, source: string): ProxyConfig {
  if (text.length > longestText) {
    const message = `is longer than ${longestText} characters`;
    const remedy = "set what all Pods share in the mesh's defaultConfig";
    throw new OutriggerError("BAD_OBJECT", [{ field: source, message, remedy }]);
  }
  const value = readYaml(text, source, "BAD_OBJECT") ?? {};
  return checked(proxyConfigSchema, value, source, "BAD_OBJECT");
}
