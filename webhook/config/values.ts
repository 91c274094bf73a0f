import * as v from "valibot";
import { isObject } from "../../mesh/json.ts";
import { checked } from "../../mesh/schema-problems.ts";
import { type Check, checks } from "../annotations/checks.ts";
import { canonicalQuantity, isQuantity } from "./quantity.ts";
import { defaultValues } from "./values-defaults.ts";

/** Helm's values come as numbers or as text. */
const text = v.pipe(v.union([v.string(), v.number(), v.boolean()]), v.transform(String));
const flag = v.pipe(
  v.union([v.boolean(), v.picklist(["true", "false"])]),
  v.transform((value) => value === true || value === "true"),
);
const message = v.record(v.string(), v.unknown());
const whole = v.pipe(text, v.regex(/^\d+$/, "must be a whole number"), v.transform(Number));

/** CPU and memory by name; null takes a default away. */
const quantity = v.pipe(
  text,
  v.check(isQuantity, "must be a quantity such as 100m or 1Gi"),
  v.transform(canonicalQuantity),
);
const quantities = v.pipe(
  v.nullish(v.record(v.string(), v.nullable(quantity))),
  v.transform((value) =>
    Object.fromEntries(Object.entries(value ?? {}).filter((entry): entry is [string, string] => entry[1] !== null)),
  ),
);
const resources = v.nullish(v.looseObject({ limits: quantities, requests: quantities }));

/** Text for a capture flag, checked as a Pod's annotation is. */
function capture(check: Check) {
  return v.pipe(
    text,
    v.rawCheck(({ dataset, addIssue }) => {
      const problem = dataset.typed ? check(dataset.value) : undefined;
      if (problem !== undefined) addIssue({ message: `${problem.message}; ${problem.remedy}` });
    }),
  );
}

const proxy = v.looseObject({
  image: text,
  clusterDomain: text,
  logLevel: text,
  componentLogLevel: text,
  privileged: flag,
  resources,
  lifecycle: v.nullish(message),
  startupProbe: v.looseObject({ enabled: flag, failureThreshold: whole }),
  readinessInitialDelaySeconds: whole,
  readinessPeriodSeconds: whole,
  readinessFailureThreshold: whole,
  statusPort: whole,
  includeIPRanges: capture(checks.includeIpRanges),
  excludeIPRanges: capture(checks.excludeIpRanges),
  includeInboundPorts: capture(checks.portsOrAll),
  excludeInboundPorts: capture(checks.ports),
  includeOutboundPorts: capture(checks.ports),
  excludeOutboundPorts: capture(checks.ports),
  holdApplicationUntilProxyStarts: v.optional(flag, false),
  outlierLogPath: text,
  tracer: text,
  seccompProfile: v.nullish(message),
  autoInject: text,
});

const secretName = v.pipe(
  v.union([text, v.looseObject({ name: v.string() })]),
  v.transform((secret) => (typeof secret === "string" ? secret : secret.name)),
);

const global = v.looseObject({
  hub: text,
  tag: text,
  variant: text,
  imagePullPolicy: text,
  imagePullSecrets: v.array(secretName),
  istioNamespace: text,
  caAddress: text,
  caName: text,
  pilotCertProvider: text,
  trustBundleName: v.optional(text, "istio-ca-root-cert"),
  logging: v.looseObject({ level: text }),
  logAsJson: flag,
  meshID: text,
  mountMtlsCerts: flag,
  multiCluster: v.looseObject({ clusterName: text }),
  network: text,
  nativeNftables: flag,
  proxy,
  proxy_init: v.looseObject({ image: text, forceApplyIptables: flag }),
  sds: v.looseObject({ token: v.looseObject({ aud: text }) }),
  sts: v.looseObject({ servicePort: whole }),
});

const selector = v.looseObject({
  matchLabels: v.optional(v.record(v.string(), v.string())),
  matchExpressions: v.optional(
    v.array(
      v.looseObject({
        key: v.string(),
        operator: v.picklist(["In", "NotIn", "Exists", "DoesNotExist"]),
        values: v.optional(v.array(v.string())),
      }),
    ),
  ),
});

/** What an injector's configuration says besides the values. */
export const injectorFields = {
  alwaysInjectSelector: v.nullish(v.array(selector), []),
  neverInjectSelector: v.nullish(v.array(selector), []),
  injectedAnnotations: v.nullish(v.record(v.string(), v.string()), {}),
  templates: v.nullish(v.record(v.string(), v.string()), {}),
  defaultTemplates: v.nullish(v.array(v.string()), []),
  aliases: v.nullish(v.record(v.string(), v.array(v.string())), {}),
};

/**
 * The part of Istio's Helm values that injection reads: the key `values` of the ConfigMap `istio-sidecar-injector`.
 * Source: https://istio.io/latest/docs/reference/config/istio.operator.v1alpha1/ and the charts' values.yaml
 */
const valuesSchema = v.looseObject({
  global,
  revision: text,
  pilot: v.looseObject({ cni: v.looseObject({ enabled: flag, provider: text }), env: v.nullish(message, {}) }),
  gateways: v.looseObject({ securityContext: v.nullish(message, {}), seccompProfile: v.nullish(message, {}) }),
  sidecarInjectorWebhook: v.looseObject({
    ...injectorFields,
    rewriteAppHTTPProbe: flag,
    enableNamespacesByDefault: flag,
  }),
});

export type Values = v.InferOutput<typeof valuesSchema>;

/** The user's values over the defaults, object by object. A null stays, so that it can take a default away. */
function overDefaults(defaults: unknown, given: unknown): unknown {
  if (!isObject(defaults) || !isObject(given)) return given === undefined ? defaults : given;
  const merged: Record<string, unknown> = { ...defaults };
  for (const [field, value] of Object.entries(given)) merged[field] = overDefaults(defaults[field], value);
  return merged;
}

/**
 * Checks Helm values; what they do not say has the profile's defaults, and else the charts'.
 * @throws OutriggerError BAD_CONFIGURATION with the path of every field that has the wrong form
 */
export function helmValues(given: unknown, profileDefaults: unknown = {}, source = "values"): Values {
  return checked(valuesSchema, overDefaults(overDefaults(defaultValues, profileDefaults), given ?? {}), source);
}
