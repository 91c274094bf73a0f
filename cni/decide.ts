import { annotations, containers, labels } from "../mesh/names.ts";
import type { Container, Pod } from "../mesh/pod.ts";
import { annotationOf, labelOf } from "../mesh/pod-metadata.ts";
import type { GivenSettings } from "../mesh/redirect/capture-setting.ts";
import { captureSettings, nodeSource } from "../mesh/redirect/settings.ts";
import { type NetworkConfiguration, podAnnotationsCapability } from "./network-configuration.ts";
import type { PodIdentity } from "./pod-identity.ts";

/** Why a Pod gets no rules from the node. */
export type PassRule =
  | "no-pod"
  | "own-agent"
  | "excluded-namespace"
  | "init-container"
  | "envoy-disabled"
  | "no-proxy"
  | "proxy-role"
  | "inject-label"
  | "inject-annotation"
  | "not-injected"
  | "interception-mode-none";

/** The Pod starts without rules of ours. */
export interface Pass {
  readonly capture: false;
  readonly rule: PassRule;
  /** One sentence for a person, without a full stop. */
  readonly reason: string;
}

/** Whether the node writes rules into a Pod's network namespace, and the one rule that says so. */
export type CaptureDecision =
  | Pass
  | { readonly capture: true; readonly rule: "injected"; readonly reason: string; readonly settings: GivenSettings };

function pass(rule: PassRule, reason: string): Pass {
  return { capture: false, rule, reason };
}

/**
 * What can be said before the Pod is read: undefined means that it must be. The plugin has the same rules, so that such
 * Pods do not even wait for the agent (cni/plugin/unaided.go); one table tests both.
 */
export function decideUnread(pod: PodIdentity | undefined, configuration: NetworkConfiguration): Pass | undefined {
  if (pod === undefined) return noPod;
  const { agent, exclude_namespaces: excluded, runtimeConfig } = configuration;
  const own = agent !== undefined && agent.pod_prefix !== "" && pod.name.startsWith(agent.pod_prefix);
  if (own && pod.namespace === agent.namespace) return pass("own-agent", "the Pod is the node agent's own");
  if (excluded.includes(pod.namespace)) {
    return pass("excluded-namespace", `the namespace ${pod.namespace} is excluded on this node`);
  }
  const given = runtimeConfig[podAnnotationsCapability];
  if (given && !Object.hasOwn(given, annotations.status)) return notInjected;
  return undefined;
}

const noPod = pass("no-pod", "CNI_ARGS name no Pod");

const notInjected = pass("not-injected", `the Pod has no annotation ${annotations.status}: no webhook injected it`);

function findContainer(pod: Pod, name: string): Container | undefined {
  const all = [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])];
  return all.find((container) => container.name === name);
}

/** The role that Istio's agent is started in, `proxy ROLE`; undefined for another command line. */
function proxyRole({ args = [] }: Container): string | undefined {
  return args[0] === "proxy" ? args[1] : undefined;
}

const isFalse = (text: string | undefined) => /^(0|f|F|false|FALSE|False)$/.test(text ?? "");

function setTo(container: Container, name: string): string | undefined {
  return container.env?.find((variable) => variable.name === name)?.value;
}

/** The author's own wish not to be in the mesh: the label of the Pod if it has one, else the annotation. */
function optedOut(pod: Pod): Pass | undefined {
  const label = labelOf(pod, labels.inject);
  if (label !== undefined) {
    return isFalse(label) ? pass("inject-label", `the Pod's label ${labels.inject} is "${label}"`) : undefined;
  }
  const annotation = annotationOf(pod, annotations.inject);
  const reason = `the Pod's annotation ${annotations.inject} is "${annotation}"`;
  return isFalse(annotation) ? pass("inject-annotation", reason) : undefined;
}

/** Decides about a Pod that has been read. The rules are in the order in which they count. */
export function decidePod(pod: Pod): CaptureDecision {
  if (findContainer(pod, containers.init) !== undefined) {
    return pass("init-container", `the Pod's own container ${containers.init} writes the rules`);
  }
  const proxy = findContainer(pod, containers.proxy);
  if (proxy !== undefined && setTo(proxy, "DISABLE_ENVOY") !== undefined) {
    return pass(
      "envoy-disabled",
      `${containers.proxy} has the variable DISABLE_ENVOY: no Envoy would take the traffic`,
    );
  }
  if (proxy === undefined) return pass("no-proxy", `the Pod has no container ${containers.proxy}`);
  const role = proxyRole(proxy);
  if (role !== undefined && role !== "sidecar") {
    return pass("proxy-role", `${containers.proxy} is no sidecar but a ${role}`);
  }
  const out = optedOut(pod);
  if (out !== undefined) return out;
  if (annotationOf(pod, annotations.status) === undefined) return notInjected;
  const capture = captureSettings(pod, nodeSource);
  if (!capture.captured) {
    return pass(capture.reason, `the Pod's annotation ${annotations.interceptionMode} is "NONE"`);
  }
  return {
    capture: true,
    rule: "injected",
    reason: "a webhook injected the Pod's sidecar",
    settings: capture.settings,
  };
}

/** Decides about what the runtime asks for; `readPod` is called only when the Pod's own text matters. */
export async function decide(
  pod: PodIdentity | undefined,
  configuration: NetworkConfiguration,
  readPod: (pod: PodIdentity) => Promise<Pod>,
): Promise<CaptureDecision> {
  if (pod === undefined) return noPod;
  return decideUnread(pod, configuration) ?? decidePod(await readPod(pod));
}
