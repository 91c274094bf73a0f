import { annotations, containers } from "../names.ts";
import type { Container, Pod } from "../pod.ts";
import { annotationOf } from "../pod-metadata.ts";
import { ports, proxyId } from "../ports.ts";
import { listItems } from "../reading.ts";
import {
  type CaptureSettingName,
  captureSettingTable,
  fromVariables,
  type GivenSettings,
  type GivenText,
} from "./capture-setting.ts";

type Texts = { readonly [name in CaptureSettingName]?: string };

/** What counts besides a Pod's annotations: it depends on who asks. */
export interface CaptureSource {
  /** What a Pod that says nothing gets, as texts of the flags. An absent one is left to variables, then to init. */
  readonly defaults: Texts;
  /** The variables of istio-proxy that decide settings without a default. */
  readonly variables: { readonly [name in CaptureSettingName]?: readonly string[] };
  /** The list of inbound ports that are left alone, from the one that is given. */
  readonly excludedInboundPorts: (listed: readonly string[], pod: Pod) => readonly string[];
  /** The proxy's user and group, where they are known without the Pod. */
  readonly ids?: { readonly user: number; readonly group: number };
}

/** Envoy's metrics and the sidecar's health are never captured: istio-init's list begins with them. */
export const alwaysExcludedPorts: readonly string[] = [String(ports.prometheus), String(ports.health)];

/** The list with the status port, once; 0 means that there is none. */
export function withStatusPort(listed: readonly string[], statusPort: number): readonly string[] {
  const text = String(statusPort);
  return statusPort === 0 || listed.includes(text) ? listed : [...listed, text];
}

/** The port of the Pod's own choice; what is no port is not taken for one. */
function statusPortOf(pod: Pod): number {
  const text = annotationOf(pod, annotations.statusPort) ?? "";
  return /^\d{1,5}$/.test(text) && Number(text) <= 65535 ? Number(text) : ports.status;
}

/** What istio-init does with an injected Pod, where the mesh's configuration says nothing else. */
export const initSource: CaptureSource = {
  defaults: {
    mode: "REDIRECT",
    outboundCidrs: "*",
    excludeOutboundCidrs: "",
    inboundPorts: "*",
    excludeInboundPorts: "",
  },
  variables: Object.fromEntries(Object.entries(captureSettingTable).map(([name, { variables }]) => [name, variables])),
  excludedInboundPorts: (listed, pod) => [...alwaysExcludedPorts, ...withStatusPort(listed, statusPortOf(pod))],
};

/** Ports of the sidecar's own, in the order in which Istio's plugin writes them. */
const ownPorts = [ports.status, ports.health, ports.prometheus].map(String);

/**
 * What the node does: Istio's plugin reads no mesh configuration and four variables, leaves the status port of others
 * alone, and captures all DNS if any.
 */
export const nodeSource: CaptureSource = {
  defaults: {
    ...initSource.defaults,
    excludeInboundPorts: String(ports.status),
    excludeOutboundPorts: String(ports.status),
  },
  variables: {
    redirectDns: ["ISTIO_META_DNS_CAPTURE"],
    captureAllDns: ["ISTIO_META_DNS_CAPTURE"],
    dualStack: ["ISTIO_DUAL_STACK"],
    dropInvalid: ["INVALID_DROP"],
  },
  excludedInboundPorts: (listed) => [...new Set([...listed, ...ownPorts])],
};

/** How a Pod is to be captured, as texts of init's flags; or that it is not. */
export type CaptureSettings =
  | { readonly captured: false; readonly reason: "interception-mode-none" }
  | { readonly captured: true; readonly settings: GivenSettings };

/** The annotation that decides each setting; of two, the first that is set. */
const annotationsOf: { readonly [name in CaptureSettingName]?: readonly string[] } = {
  mode: [annotations.interceptionMode],
  outboundCidrs: [annotations.includeOutboundIPRanges],
  excludeOutboundCidrs: [annotations.excludeOutboundIPRanges],
  inboundPorts: [annotations.includeInboundPorts],
  excludeInboundPorts: [annotations.excludeInboundPorts],
  outboundPorts: [annotations.includeOutboundPorts],
  excludeOutboundPorts: [annotations.excludeOutboundPorts],
  virtualInterfaces: [annotations.rerouteVirtualInterfaces, annotations.kubevirtInterfaces],
  excludeInterfaces: [annotations.excludeInterfaces],
};

const settingNames = Object.keys(captureSettingTable) as CaptureSettingName[];

function proxyOf(pod: Pod): Container | undefined {
  const all = [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])];
  return all.find(({ name }) => name === containers.proxy);
}

function fromAnnotations(pod: Pod, names: readonly string[]): GivenText | undefined {
  for (const name of names) {
    const text = annotationOf(pod, name);
    if (text !== undefined) return { text, field: `metadata.annotations["${name}"]` };
  }
  return undefined;
}

function fromProxy(proxy: Container | undefined, name: CaptureSettingName, source: CaptureSource) {
  const variables = source.variables[name];
  if (proxy === undefined || variables === undefined) return undefined;
  const setting = { variables, emptyCounts: captureSettingTable[name].emptyCounts };
  const found = fromVariables(setting, (variable) => proxy.env?.find((each) => each.name === variable)?.value);
  return found && { text: found.text, field: `the variable ${found.variable} of ${containers.proxy}` };
}

/** The user or group of istio-proxy; root would capture nothing of the application's, so 0 is taken for unset. */
function idOf(proxy: Container | undefined, field: "runAsUser" | "runAsGroup", known: number | undefined): GivenText {
  const id = known ?? (proxy?.securityContext?.[field] || proxyId);
  return { text: String(id), field: `the ${field} of ${containers.proxy}` };
}

/**
 * What a Pod's annotations and its istio-proxy make of every setting, as texts that the flags of `outrigger init` take
 * and `resolveCapture` checks. What the webhook writes into istio-init's arguments, what `outrigger init --from-pod`
 * does and what the CNI plugin applies is this function's answer, each with its source.
 */
export function captureTexts(pod: Pod, source: CaptureSource): GivenSettings {
  const proxy = proxyOf(pod);
  const texts: { [name in CaptureSettingName]?: GivenText } = {};
  for (const name of settingNames) {
    const byDefault = source.defaults[name];
    const given =
      fromAnnotations(pod, annotationsOf[name] ?? []) ??
      (byDefault === undefined
        ? fromProxy(proxy, name, source)
        : { text: byDefault, field: `--${captureSettingTable[name].flag}` });
    if (given !== undefined) texts[name] = given;
  }
  const { text = "", field = `--${captureSettingTable.excludeInboundPorts.flag}` } = texts.excludeInboundPorts ?? {};
  return {
    ...texts,
    excludeInboundPorts: { text: source.excludedInboundPorts(listItems(text), pod).join(","), field },
    proxyUids: idOf(proxy, "runAsUser", source.ids?.user),
    proxyGids: idOf(proxy, "runAsGroup", source.ids?.group),
  };
}

/** How a Pod's traffic is to be captured; that it is not, where its interception mode is NONE. */
export function captureSettings(pod: Pod, source: CaptureSource): CaptureSettings {
  const settings = captureTexts(pod, source);
  if (settings.mode?.text === "NONE") return { captured: false, reason: "interception-mode-none" };
  return { captured: true, settings };
}
