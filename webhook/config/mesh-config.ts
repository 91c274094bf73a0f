import * as v from "valibot";
import { isObject } from "../../mesh/json.ts";
import { checked } from "../../mesh/schema-problems.ts";
import { camelCase, type ProxyConfig, proxyConfigFields, proxyConfigSchema } from "./proxy-config.ts";
import { defaultProxyConfig, mergeProxyConfig } from "./proxy-config-merge.ts";

/** The one attribute of a tracing provider that changes a Pod. */
const extensionProvider = v.looseObject({
  name: v.optional(v.string()),
  opentelemetry: v.optional(v.looseObject({ serviceAttributeEnrichment: v.optional(v.string()) })),
});

const port = v.pipe(v.number(), v.integer("must be a port"), v.minValue(1), v.maxValue(65535));

/**
 * What injection reads of MeshConfig; the rest is other parts' business.
 * Source: https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#MeshConfig
 */
const meshConfigSchema = v.looseObject({
  defaultConfig: v.optional(proxyConfigSchema),
  enablePrometheusMerge: v.optional(v.boolean(), true),
  trustDomain: v.optional(v.string(), "cluster.local"),
  rootNamespace: v.optional(v.string(), "istio-system"),
  proxyListenPort: v.optional(port, 15001),
  proxyInboundListenPort: v.optional(port, 15006),
  extensionProviders: v.optional(v.array(extensionProvider), []),
  inboundTrafficPolicy: v.optional(v.looseObject({ mode: v.optional(v.string()) })),
});

export interface MeshConfig {
  /** Complete: the defaults stand below what the mesh says. */
  readonly defaultConfig: ProxyConfig;
  readonly enablePrometheusMerge: boolean;
  readonly trustDomain: string;
  readonly rootNamespace: string;
  readonly proxyListenPort: number;
  readonly proxyInboundListenPort: number;
  /** Whether some tracing provider wants OpenTelemetry's resource attributes. */
  readonly enrichesServiceAttributes: boolean;
  /** Whether inbound traffic is sent to the application on localhost, as long ago. */
  readonly inboundToLocalhost: boolean;
  /** What the configuration says in vain. */
  readonly warnings: readonly string[];
}

/** The mesh's ProxyConfig without fields of later releases, which must not stop the injector; and their names. */
function knownFields(given: unknown): [unknown, string[]] {
  const config = isObject(given) ? camelCase(given.defaultConfig) : undefined;
  if (!isObject(given) || !isObject(config)) return [given, []];
  const isKnown = (field: string) => (proxyConfigFields as readonly string[]).includes(field);
  const known = Object.entries(config).filter(([field]) => isKnown(field));
  const unknown = Object.keys(config).filter((field) => !isKnown(field));
  return [{ ...given, defaultConfig: Object.fromEntries(known) }, unknown];
}

/**
 * Checks a mesh configuration, such as the key `mesh` of the ConfigMap `istio` holds.
 * @throws OutriggerError BAD_CONFIGURATION with the path of every field that has the wrong form
 */
export function meshConfig(value: unknown, source = "mesh config"): MeshConfig {
  const [known, unknown] = knownFields(value ?? {});
  const read = checked(meshConfigSchema, known, source);
  return {
    defaultConfig: mergeProxyConfig(defaultProxyConfig, read.defaultConfig ?? {}),
    enablePrometheusMerge: read.enablePrometheusMerge,
    trustDomain: read.trustDomain,
    rootNamespace: read.rootNamespace,
    proxyListenPort: read.proxyListenPort,
    proxyInboundListenPort: read.proxyInboundListenPort,
    enrichesServiceAttributes: read.extensionProviders.some(
      ({ opentelemetry }) => opentelemetry?.serviceAttributeEnrichment === "OTEL_SEMANTIC_CONVENTIONS",
    ),
    inboundToLocalhost: read.inboundTrafficPolicy?.mode === "LOCALHOST",
    warnings: unknown.map((field) => `${source}.defaultConfig.${field} is not a known field; it has no effect`),
  };
}
