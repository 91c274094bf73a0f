import * as v from "valibot";
import { interceptionModes } from "../../mesh/interception-mode.ts";

/**
 * ProxyConfig, field by field in the order of its protobuf message: JSON is printed in that order.
 * Source: https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#ProxyConfig
 */
const text = v.string();
const integer = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^-?\d+$/, "must be a whole number"))]),
  v.transform(Number),
  v.integer("must be a whole number"),
);
const port = v.pipe(integer, v.minValue(0, "must be a port"), v.maxValue(65535, "must be a port"));

/** A duration in seconds, with three, six or nine decimals if it has any, as protobuf prints it. */
const duration = v.pipe(
  v.string(),
  v.regex(/^-?\d+(\.\d{1,9})?s$/, 'must be a duration in seconds such as "45s"'),
  v.transform((value) => {
    const [whole = "0", decimals = ""] = value.slice(0, -1).split(".");
    const kept = decimals.replace(/0+$/, "");
    return kept === "" ? `${whole}s` : `${whole}.${kept.padEnd(Math.ceil(kept.length / 3) * 3, "0")}s`;
  }),
);

/** An enum by name or number. */
function enumOf<const Names extends readonly string[]>(...names: Names) {
  return v.pipe(
    v.union([v.picklist(names), v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(names.length - 1))]),
    v.transform((value) => (typeof value === "number" ? (names[value] as Names[number]) : value)),
  );
}

const textMap = v.record(v.string(), v.string("must be a string: put it in quotes"));
const texts = v.array(text);
/** Messages whose fields are the proxy's own business. */
const message = v.record(v.string(), v.unknown());

const tracing = v.strictObject({
  zipkin: v.optional(message),
  lightstep: v.optional(message),
  datadog: v.optional(message),
  stackdriver: v.optional(message),
  openCensusAgent: v.optional(message),
  customTags: v.optional(message),
  maxPathTagLength: v.optional(integer),
  sampling: v.optional(v.number()),
  tlsSettings: v.optional(message),
  enableIstioTags: v.optional(v.boolean()),
});

/** A field that the protobuf message has but that is not the injector's business. */
const remoteService = v.strictObject({
  address: v.optional(text),
  tlsSettings: v.optional(message),
  tcpKeepalive: v.optional(message),
});

const fields = {
  configPath: v.optional(text),
  binaryPath: v.optional(text),
  serviceCluster: v.optional(text),
  tracingServiceName: v.optional(
    enumOf("APP_LABEL_AND_NAMESPACE", "CANONICAL_NAME_ONLY", "CANONICAL_NAME_AND_NAMESPACE"),
  ),
  drainDuration: v.optional(duration),
  parentShutdownDuration: v.optional(duration),
  discoveryAddress: v.optional(text),
  discoveryRefreshDelay: v.optional(duration),
  zipkinAddress: v.optional(text),
  statsdUdpAddress: v.optional(text),
  envoyMetricsServiceAddress: v.optional(text),
  proxyAdminPort: v.optional(port),
  availabilityZone: v.optional(text),
  controlPlaneAuthPolicy: v.optional(enumOf("NONE", "MUTUAL_TLS")),
  customConfigFile: v.optional(text),
  statNameLength: v.optional(integer),
  concurrency: v.optional(v.pipe(integer, v.minValue(0, "must not be negative"))),
  proxyBootstrapTemplatePath: v.optional(text),
  interceptionMode: v.optional(enumOf(...interceptionModes)),
  tracing: v.optional(tracing),
  sds: v.optional(message),
  envoyAccessLogService: v.optional(remoteService),
  envoyMetricsService: v.optional(remoteService),
  proxyMetadata: v.optional(textMap),
  runtimeValues: v.optional(textMap),
  statusPort: v.optional(port),
  extraStatTags: v.optional(texts),
  gatewayTopology: v.optional(message),
  terminationDrainDuration: v.optional(duration),
  meshId: v.optional(text),
  readinessProbe: v.optional(message),
  proxyStatsMatcher: v.optional(
    v.strictObject({
      inclusionPrefixes: v.optional(texts),
      inclusionSuffixes: v.optional(texts),
      inclusionRegexps: v.optional(texts),
    }),
  ),
  holdApplicationUntilProxyStarts: v.optional(v.boolean()),
  caCertificatesPem: v.optional(texts),
  image: v.optional(v.strictObject({ imageType: v.optional(text) })),
  privateKeyProvider: v.optional(message),
  proxyHeaders: v.optional(message),
  fileFlushInterval: v.optional(duration),
  fileFlushMinSizeKb: v.optional(integer),
  statsCompression: v.optional(v.boolean()),
  statsEvictionInterval: v.optional(duration),
};

/** Protobuf's JSON takes field names in snake case too. */
export function camelCase(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const renamed = Object.entries(value).map(([name, field]) => [
    name.replace(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase()),
    field,
  ]);
  return Object.fromEntries(renamed);
}

export const proxyConfigSchema = v.pipe(v.unknown(), v.transform(camelCase), v.strictObject(fields));

/** The fields in the order of the message. */
export const proxyConfigFields = Object.keys(fields) as (keyof ProxyConfig)[];

export type ProxyConfig = v.InferOutput<typeof proxyConfigSchema>;
