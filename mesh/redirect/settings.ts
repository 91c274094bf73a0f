import { annotations, containers } from "../names.ts";
import type { Container, Pod } from "../pod.ts";
import { annotationOf } from "../pod-metadata.ts";
import { ports, proxyId } from "../ports.ts";
import { listItems } from "../reading.ts";
import { type CaptureSettingName, captureSettingTable, type GivenSettings, type GivenText } from "./capture-setting.ts";

/** What a Pod that says nothing gets: the mesh's settings, as texts of the flags. An absent one is left to init. */
export type CaptureDefaults = { readonly [name in CaptureSettingName]?: string };

/** The defaults of injection where the mesh's configuration says nothing else. */
export const meshCaptureDefaults: CaptureDefaults = {
  mode: "REDIRECT",
  outboundCidrs: "*",
  excludeOutboundCidrs: "",
  inboundPorts: "*",
  excludeInboundPorts: String(ports.status),
};

/** The defaults on a node, where Istio's plugin reads no mesh configuration and leaves the status port of others alone. */
export const nodeCaptureDefaults: CaptureDefaults = {
  ...meshCaptureDefaults,
  excludeOutboundPorts: String(ports.status),
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

/** The variables of istio-proxy that decide settings. */
const variablesOf: { readonly [name in CaptureSettingName]?: string } = {
  redirectDns: "ISTIO_META_DNS_CAPTURE",
  captureAllDns: "ISTIO_META_DNS_CAPTURE",
  dualStack: "ISTIO_DUAL_STACK",
  dropInvalid: "INVALID_DROP",
};

/** Ports of the sidecar's own that are never captured, in the order in which Istio writes them. */
const ownPorts = [ports.status, ports.health, ports.prometheus].map(String);

function proxyOf(pod: Pod): Container | undefined {
  const all = [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])];
  return all.find(({ name }) => name === containers.proxy);
}

function fromAnnotations(pod: Pod, names: readonly string[]): GivenText | undefined {
  const name = names.find((each) => annotationOf(pod, each) !== undefined);
  if (name === undefined) return undefined;
  return { text: annotationOf(pod, name) ?? "", field: `metadata.annotations["${name}"]` };
}

function fromVariable(proxy: Container | undefined, name: string | undefined): GivenText | undefined {
  const text = name === undefined ? undefined : proxy?.env?.find((variable) => variable.name === name)?.value;
  return text === undefined || text === "" ? undefined : { text, field: `the variable ${name} of ${containers.proxy}` };
}

/** The user or group of istio-proxy; root would capture nothing of the application's, so 0 is taken for unset. */
function idOf(proxy: Container | undefined, field: "runAsUser" | "runAsGroup"): GivenText {
  const id = proxy?.securityContext?.[field] ?? 0;
  return { text: String(id === 0 ? proxyId : id), field: `the ${field} of ${containers.proxy}` };
}

/** The list with the sidecar's own ports appended, each once. */
function withOwnPorts(given: GivenText | undefined): GivenText {
  const listed = new Set([...listItems(given?.text ?? ""), ...ownPorts]);
  return { text: [...listed].join(","), field: given?.field ?? `--${captureSettingTable.excludeInboundPorts.flag}` };
}

/**
 * How a Pod's traffic is to be captured, from its annotations and its istio-proxy: what the webhook writes into
 * istio-init's arguments, what the CNI plugin applies, and what `outrigger init --from-pod` does, is this function's
 * answer. Values are texts as the flags of `outrigger init` take them; `resolveCapture` checks them.
 */
export function captureSettings(pod: Pod, defaults: CaptureDefaults = meshCaptureDefaults): CaptureSettings {
  const proxy = proxyOf(pod);
  const settings: { [name in CaptureSettingName]?: GivenText } = {
    proxyUids: idOf(proxy, "runAsUser"),
    proxyGids: idOf(proxy, "runAsGroup"),
  };
  for (const name of Object.keys(captureSettingTable) as CaptureSettingName[]) {
    const byDefault = defaults[name];
    const given =
      fromAnnotations(pod, annotationsOf[name] ?? []) ??
      fromVariable(proxy, variablesOf[name]) ??
      (byDefault === undefined ? undefined : { text: byDefault, field: `--${captureSettingTable[name].flag}` });
    if (given !== undefined) settings[name] = given;
  }
  if (settings.mode?.text === "NONE") return { captured: false, reason: "interception-mode-none" };
  return { captured: true, settings: { ...settings, excludeInboundPorts: withOwnPorts(settings.excludeInboundPorts) } };
}
