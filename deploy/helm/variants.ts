import { stringify } from "yaml";
import type { KubernetesObject } from "../cluster/api.ts";
import { manifests } from "../manifests/manifests.ts";
import type { InstallSettings } from "../settings.ts";
import { installSettings } from "../settings.ts";
import { discoveryActive, toTemplate, value } from "./placeholder.ts";

/** One way in which settings change which objects there are, or their structure, and when the chart has it. */
interface Variant {
  readonly condition: string;
  readonly certificates: InstallSettings["certificates"];
}

const from = (name: string) => `eq $.Values.certificates.from ${JSON.stringify(name)}`;
const certManager = from("cert-manager");

const variants: readonly Variant[] = [
  { condition: from("self-managed"), certificates: { from: "self-managed" } },
  {
    condition: `and (${certManager}) (not $.Values.certificates.issuer)`,
    certificates: { from: "cert-manager" },
  },
  {
    condition: `and (${certManager}) $.Values.certificates.issuer`,
    certificates: {
      from: "cert-manager",
      issuer: { kind: value("certificates.issuer.kind") as "Issuer", name: value("certificates.issuer.name") },
    },
  },
];

/** Every switch is on, so that every object is there. */
const cniPlaceholders: InstallSettings["cni"] = {
  enabled: value("cni.enabled") as unknown as boolean,
  agent: true,
  namespace: value("cni.namespace"),
  excludeNamespaces: [value("each:cni.excludeNamespaces")],
  nativeNftables: value("cni.nativeNftables") as unknown as boolean,
  repair: value("cni.repair") as "repair",
  removeTaint: value("cni.removeTaint") as unknown as boolean,
  directories: {
    plugins: value("cni.directories.plugins"),
    configuration: value("cni.directories.configuration"),
    namespaces: value("cni.directories.namespaces"),
    cache: value("cni.directories.cache"),
    run: value("cni.directories.run"),
  },
  resources: value("yaml:cni.resources") as unknown as InstallSettings["cni"]["resources"],
  logLevel: value("cni.logLevel") as "info",
};

/** Settings with a placeholder for each that changes a value only. Numbers and trees become strings on purpose. */
function placeholders(certificates: InstallSettings["certificates"]): InstallSettings {
  const integer = (path: string) => value(`int:${path}`) as unknown as number;
  return {
    ...installSettings(),
    namespace: value("namespace"),
    revision: value("revision"),
    tags: [value("each:tags")],
    images: {
      webhook: value("images.webhook"),
      init: value("images.init"),
      cni: value("images.cni"),
      proxy: value("images.proxy"),
      pullPolicy: value("images.pullPolicy") as "Always",
      pullSecrets: [value("each:images.pullSecrets")],
    },
    injection: {
      profile: value("injection.profile") as "envoy",
      nativeSidecars: value("injection.nativeSidecars") as "auto",
      platform: value("injection.platform") as "openshift",
      configuration: value("yaml:injection.configuration") as unknown as InstallSettings["injection"]["configuration"],
    },
    certificates,
    webhook: {
      failurePolicy: value("webhook.failurePolicy") as "Fail",
      timeoutSeconds: integer("webhook.timeoutSeconds"),
      replicas: { minimum: integer("webhook.replicas.minimum"), maximum: integer("webhook.replicas.maximum") },
      resources: value("yaml:webhook.resources") as unknown as InstallSettings["webhook"]["resources"],
      priorityClassName: value("webhook.priorityClassName"),
      logLevel: value("webhook.logLevel") as "info",
    },
    discovery: {
      enabled: value("discovery.active") as unknown as boolean,
      domain: value("discovery.domain"),
      trustDomain: value("discovery.trustDomain"),
      exportTo: value("discovery.exportTo"),
      localityLbSetting: value("discovery.locality") as unknown as null,
      outboundTrafficPolicy: value("discovery.outboundTrafficPolicy") as "ALLOW_ANY",
      accessLog: value("discovery.accessLog") as "text",
      tracing: {
        collector: value("discovery.tracing.collector"),
        samplingPercent: value("discovery.tracing.samplingPercent") as unknown as number,
      },
      podCertificates: value("discovery.podCertificates") as unknown as boolean,
      replicas: { minimum: integer("discovery.replicas.minimum"), maximum: integer("discovery.replicas.maximum") },
      resources: value("yaml:discovery.resources") as unknown as InstallSettings["discovery"]["resources"],
      priorityClassName: value("discovery.priorityClassName"),
      logLevel: value("discovery.logLevel") as "info",
    },
    cni: cniPlaceholders,
    monitoring: { serviceMonitor: true, alerts: true, dashboard: true },
  };
}

/** The settings of one variant, for what is the same in all. */
export function variantSettings(): InstallSettings {
  return placeholders({ from: "self-managed" });
}

const nodeAgent = "and $.Values.cni.enabled $.Values.cni.agent";

/** Objects that are there only when a setting says so, by kind, or by the end of their names. */
const switches: Readonly<Record<string, string>> = {
  "-namespaces": 'eq $.Values.injection.platform "openshift"',
  "outrigger-discovery-@@revision@@": discoveryActive,
  "-pod-certificates": `${discoveryActive.slice(1, -1)} $.Values.discovery.podCertificates`,
  "-cni": nodeAgent,
  "-cni-pods": nodeAgent,
  "-cni-delete": `${nodeAgent} (eq $.Values.cni.repair "delete")`,
  "-cni-label": `${nodeAgent} (eq $.Values.cni.repair "label")`,
  "-cni-taint": `${nodeAgent} $.Values.cni.removeTaint`,
  Namespace: nodeAgent,
  NetworkPolicy: "$.Values.networkPolicy",
  ServiceMonitor: "$.Values.monitoring.serviceMonitor",
  PrometheusRule: "$.Values.monitoring.alerts",
  "-dashboard": "$.Values.monitoring.dashboard",
  "outrigger-sidecar-required": "$.Values.sidecarPolicy",
};

/** The text, where the condition holds. */
export function when(condition: string | undefined, text: string): string {
  return condition === undefined ? text : `{{- if ${condition} }}\n${text}{{- end }}\n`;
}

/** An object, or a list's item, as template text. */
export function printTemplate(object: unknown): string {
  return toTemplate(stringify(object, { version: "1.1", aliasDuplicateObjects: false, lineWidth: 0 }));
}

/** When a text holds that these variants have; undefined for always. */
function conditionOf(having: readonly Variant[]): string | undefined {
  const lacking = variants.filter((variant) => !having.includes(variant));
  if (lacking.length === 0) return undefined;
  if (having.length === 1) return having[0]?.condition;
  if (lacking.length === 1) return `not (${lacking[0]?.condition})`;
  return `or ${having.map(({ condition }) => `(${condition})`).join(" ")}`;
}

/** Makes one text of those that an object has in each variant: once where they agree, else each with its condition. */
function merge(texts: readonly (string | undefined)[]): string {
  const groups = new Map<string, Variant[]>();
  for (const [index, variant] of variants.entries()) {
    const text = texts[index];
    if (text !== undefined) groups.set(text, [...(groups.get(text) ?? []), variant]);
  }
  return [...groups].map(([text, having]) => when(conditionOf(having), text)).join("");
}

/** Renders one object in each variant and joins the texts; undefined where a variant has no such object. */
export function inEachVariant(render: (settings: InstallSettings) => object | undefined): string {
  const objects = variants.map(({ certificates }) => render(placeholders(certificates)));
  return merge(objects.map((object) => (object === undefined ? undefined : printTemplate(object))));
}

function key({ kind, metadata }: KubernetesObject): string {
  return `${kind} ${metadata.name}`;
}

/** A template, by the kind of what it makes. */
export interface ObjectTemplate {
  readonly kind: string;
  readonly text: string;
}

/** The templates of all objects that `include` takes, in the order in which they are applied. */
export function objectTemplates(include: (object: KubernetesObject) => boolean): ObjectTemplate[] {
  const render = (settings: InstallSettings) => manifests(settings).filter(include);
  const keys = new Set(variants.flatMap(({ certificates }) => render(placeholders(certificates)).map(key)));
  return [...keys].map((wanted) => {
    const kind = wanted.split(" ")[0] ?? "";
    const text = inEachVariant((settings) => render(settings).find((object) => key(object) === wanted));
    const found = Object.entries(switches).filter(([name]) => name === kind || wanted.endsWith(name));
    return { kind, text: found.reduce((inner, [, condition]) => when(condition, inner), text) };
  });
}
