import * as v from "valibot";
import { OutriggerError, type Problem } from "../mesh/errors.ts";
import { version } from "../mesh/version.ts";
import { cni } from "./settings-cni.ts";
import { discovery } from "./settings-discovery.ts";
import { dnsLabel, image, replicas, resources, wholeNumber } from "./settings-values.ts";

/** Who makes the webhook's serving certificate. */
const certificates = v.variant("from", [
  /** The webhook itself: an authority in a Secret, short-lived certificates in memory. */
  v.strictObject({ from: v.literal("self-managed") }),
  /** cert-manager: by an issuer of yours, or by one made here. */
  v.strictObject({
    from: v.literal("cert-manager"),
    issuer: v.optional(v.strictObject({ kind: v.picklist(["Issuer", "ClusterIssuer"]), name: v.string() })),
  }),
]);

/** What can be set for an installation. The same names are the Helm chart's values. */
export const schema = v.strictObject({
  /** Where the webhook runs. */
  namespace: v.optional(dnsLabel, "outrigger-system"),
  /** The revision that is installed; several can stand side by side. */
  revision: v.optional(dnsLabel, "default"),
  /** Other names by which namespaces may ask for this revision. `default` makes it serve istio-injection=enabled. */
  tags: v.optional(v.array(dnsLabel), []),
  /** Inject every namespace that has no label of its own. For the default revision only. */
  enableNamespacesByDefault: v.optional(v.boolean(), false),
  images: v.optional(
    v.strictObject({
      webhook: v.optional(image, `docker.io/outrigger/outrigger:${version}`),
      init: v.optional(image, `docker.io/outrigger/init:${version}`),
      cni: v.optional(image, `docker.io/outrigger/cni:${version}`),
      proxy: v.optional(image, "docker.io/envoyproxy/envoy:distroless-v1.40.0"),
      pullPolicy: v.optional(v.picklist(["IfNotPresent", "Always", "Never"]), "IfNotPresent"),
      pullSecrets: v.optional(v.array(v.string()), []),
    }),
    {},
  ),
  injection: v.optional(
    v.strictObject({
      /** Whose sidecar: a stock Envoy, or Istio's proxy for a cluster that runs istiod. */
      profile: v.optional(v.picklist(["envoy", "istio"]), "envoy"),
      /** istio-proxy as a native sidecar; auto: when every node has them (Kubernetes 1.33). */
      nativeSidecars: v.optional(v.picklist(["auto", "enabled", "disabled"]), "auto"),
      /** What the cluster is: on OpenShift, the sidecar's ids come from what is reserved for its namespace. */
      platform: v.optional(v.picklist(["kubernetes", "openshift"]), "kubernetes"),
      /** The ConfigMap that the webhook follows: `mesh`, `values` and `config`, each as YAML text. */
      configuration: v.optional(v.record(v.picklist(["mesh", "values", "config"]), v.string()), {}),
    }),
    {},
  ),
  certificates: v.optional(certificates, { from: "self-managed" }),
  webhook: v.optional(
    v.strictObject({
      /** What happens to a new Pod while the webhook cannot be reached. docs/install.md weighs the two. */
      failurePolicy: v.optional(v.picklist(["Ignore", "Fail"]), "Ignore"),
      /** How long the API server waits for an answer. */
      timeoutSeconds: v.optional(wholeNumber(1, 30), 5),
      replicas,
      resources: resources("50m", "128Mi", "384Mi"),
      priorityClassName: v.optional(v.string(), "system-cluster-critical"),
      logLevel: v.optional(v.picklist(["debug", "info", "warn", "error"]), "info"),
    }),
    {},
  ),
  discovery: v.optional(discovery, {}),
  cni: v.optional(cni, {}),
  /** Deny Pods without a sidecar in namespaces that say they must have one. */
  sidecarPolicy: v.optional(v.boolean(), true),
  networkPolicy: v.optional(v.boolean(), true),
  monitoring: v.optional(
    v.strictObject({
      /** A ServiceMonitor, for the Prometheus operator. */
      serviceMonitor: v.optional(v.boolean(), false),
      /** A PrometheusRule with the alerts. */
      alerts: v.optional(v.boolean(), false),
      /** A ConfigMap with a dashboard that Grafana's sidecar picks up. */
      dashboard: v.optional(v.boolean(), false),
    }),
    {},
  ),
});

export type InstallSettings = v.InferOutput<typeof schema>;
export type InstallInput = v.InferInput<typeof schema>;

function problemOf(issue: v.BaseIssue<unknown>): Problem {
  const field = v.getDotPath(issue) ?? "settings";
  const unknown = issue.type === "strict_object" && issue.expected === "never";
  if (unknown) return { field, message: "is not a setting", remedy: "see docs/install.md for all settings" };
  const value = typeof issue.input === "object" ? undefined : String(issue.input);
  // valibot's own messages name its types; a message of ours is a sentence already.
  const isOurs = !issue.message.startsWith("Invalid ");
  const message = isOurs ? issue.message : `is not valid: expected ${issue.expected}`;
  return value === undefined ? { field, message } : { field, value, message };
}

/** Rules between settings, which no single field can know. */
function contradictions(settings: InstallSettings): Problem[] {
  const problems: Problem[] = [];
  for (const part of ["webhook", "discovery"] as const) {
    const { minimum, maximum } = settings[part].replicas;
    if (minimum <= maximum) continue;
    const message = `is below ${part}.replicas.minimum, ${minimum}`;
    problems.push({ field: `${part}.replicas.maximum`, value: String(maximum), message });
  }
  if (settings.enableNamespacesByDefault && !servesDefault(settings)) {
    problems.push({
      field: "enableNamespacesByDefault",
      message: "is for the default revision only",
      remedy: 'install without a revision, or add the tag "default"',
    });
  }
  return problems;
}

/** Whether `istio-injection=enabled` means this revision. */
export function servesDefault({ revision, tags }: Pick<InstallSettings, "revision" | "tags">): boolean {
  return revision === "default" || tags.includes("default");
}

/**
 * Checks an installation's settings and fills in the defaults.
 * @throws OutriggerError BAD_CONFIGURATION with every problem
 */
export function installSettings(input: unknown = {}): InstallSettings {
  const parsed = v.safeParse(schema, input);
  const problems = parsed.success ? contradictions(parsed.output) : parsed.issues.map(problemOf);
  if (!parsed.success || problems.length > 0) throw new OutriggerError("BAD_CONFIGURATION", problems);
  return parsed.output;
}
