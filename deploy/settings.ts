import * as v from "valibot";
import { OutriggerError, type Problem } from "../mesh/errors.ts";
import { version } from "../mesh/version.ts";

/** RFC 1123: the form of namespaces and of the parts of object names. */
const dnsLabel = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "is not a DNS label: use lower-case letters, digits and '-'"),
  v.maxLength(40, "is longer than 40 characters, and object names are made of it"),
);

const domainName = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, "is not a domain's name"),
);
const image = v.pipe(v.string(), v.regex(/^\S+$/, "is not an image's name"));
const quantity = v.pipe(
  v.string(),
  v.regex(/^[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi)?$/, "is not a quantity such as 100m or 128Mi"),
);
const withDefault = (text: string) => v.optional(quantity, text);
const wholeNumber = (low: number, high: number) =>
  v.pipe(
    v.number(),
    v.integer("is not a whole number"),
    v.minValue(low, `is below ${low}`),
    v.maxValue(high, `is above ${high}`),
  );

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

const resources = (cpu: string, memory: string, memoryLimit: string) =>
  v.optional(
    v.strictObject({
      requests: v.optional(v.objectWithRest({ cpu: withDefault(cpu), memory: withDefault(memory) }, quantity), {}),
      limits: v.optional(v.objectWithRest({ memory: withDefault(memoryLimit) }, quantity), {}),
    }),
    {},
  );

const folder = v.pipe(v.string(), v.regex(/^\/[\w./-]+$/, "is not an absolute path"));

/** Capture from the node, in place of istio-init. docs/cni.md. */
const cni = v.strictObject({
  /** Pods are injected without istio-init: the node writes their rules. */
  enabled: v.optional(v.boolean(), false),
  /** Bring the node agent. There is one in a cluster: further revisions say false. */
  agent: v.optional(v.boolean(), true),
  /** Where the agent runs. Pod Security must let it in: not the webhook's namespace. */
  namespace: v.optional(dnsLabel, "outrigger-cni"),
  excludeNamespaces: v.optional(v.array(dnsLabel), ["kube-system"]),
  nativeNftables: v.optional(v.boolean(), false),
  /** What is done about Pods that started before the node's plugin stood. */
  repair: v.optional(v.picklist(["repair", "delete", "label", "off"]), "repair"),
  /** Take cni.istio.io/not-ready off nodes that are ready. */
  removeTaint: v.optional(v.boolean(), false),
  /** Where the nodes keep what concerns CNI. */
  directories: v.optional(
    v.strictObject({
      plugins: v.optional(folder, "/opt/cni/bin"),
      configuration: v.optional(folder, "/etc/cni/net.d"),
      namespaces: v.optional(folder, "/var/run/netns"),
      cache: v.optional(folder, "/var/lib/cni"),
      run: v.optional(folder, "/run/outrigger-cni"),
    }),
    {},
  ),
  resources: resources("20m", "96Mi", "256Mi"),
  logLevel: v.optional(v.picklist(["debug", "info", "warn", "error"]), "info"),
});

/** The control plane, which makes a labelled namespace a mesh. docs/discovery.md. With the profile istio there is none. */
const discovery = v.strictObject({
  enabled: v.optional(v.boolean(), true),
  /** The end of every Service's name. */
  domain: v.optional(domainName, "cluster.local"),
  /** The first part of every workload's identity. */
  trustDomain: v.optional(domainName, "cluster.local"),
  /** What happens to requests for destinations that no Service has. */
  outboundTrafficPolicy: v.optional(v.picklist(["ALLOW_ANY", "REGISTRY_ONLY"]), "ALLOW_ANY"),
  /** What sidecars write for each request. */
  accessLog: v.optional(v.picklist(["text", "json", "off"]), "text"),
  replicas: v.optional(
    v.strictObject({
      minimum: v.optional(wholeNumber(1, 100), 2),
      maximum: v.optional(wholeNumber(1, 100), 5),
    }),
    {},
  ),
  resources: resources("100m", "256Mi", "2Gi"),
  priorityClassName: v.optional(v.string(), "system-cluster-critical"),
  logLevel: v.optional(v.picklist(["debug", "info", "warn", "error"]), "info"),
});

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
      replicas: v.optional(
        v.strictObject({
          minimum: v.optional(wholeNumber(1, 100), 2),
          maximum: v.optional(wholeNumber(1, 100), 5),
        }),
        {},
      ),
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
  const message = /^is /.test(issue.message) ? issue.message : `is not valid: expected ${issue.expected}`;
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
