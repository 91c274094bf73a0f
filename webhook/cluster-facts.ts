import type { Labels } from "../mesh/pod.ts";
import { type LabelSelector, selectorMatches } from "../mesh/selector.ts";
import type { ProxyConfig } from "./config/proxy-config.ts";
import type { ProxyIds } from "./injection-context.ts";

/** What is known of the cluster beyond the request, worked out when it changes, not when a Pod comes. */
export interface ClusterFacts {
  /** Whether a Pod's sidecar may be a native one: on its node if it has one already, else on every node. */
  readonly supportsNativeSidecars: (nodeName?: string) => boolean;
  /** Whether every node is known to have lifecycle hooks that sleep. */
  readonly knowsSleepHook: boolean;
  /** The ids that OpenShift reserved for a namespace. */
  readonly openShiftIds: (namespace: string) => ProxyIds | undefined;
  /** The ProxyConfig resource of a namespace that holds for a Pod: with a selector, or for the whole namespace. */
  readonly proxyConfig: (namespace: string, podLabels: Labels | undefined) => ProxyConfig | undefined;
}

export interface ClusterNode {
  readonly name?: string;
  /** As the node reports it: `v1.34.2`. */
  readonly kubeletVersion: string;
}

/** A ProxyConfig resource, as far as it changes Pods. */
export interface ProxyConfigResource {
  readonly namespace: string;
  /** None: the resource holds for its namespace. */
  readonly selector?: LabelSelector;
  readonly config: ProxyConfig;
}

export interface FactsInput {
  readonly nodes?: readonly ClusterNode[];
  /** Annotations of namespaces, by namespace. */
  readonly namespaceAnnotations?: ReadonlyMap<string, Labels>;
  readonly proxyConfigs?: readonly ProxyConfigResource[];
}

/** From which Kubernetes 1.x on a feature can be counted on. */
const firstMinor = { nativeSidecars: 33, sleepHook: 30 } as const;

function has(feature: keyof typeof firstMinor, kubeletVersion: string): boolean {
  const [, major = "0", minor = "0"] = /^v?(\d+)\.(\d+)/.exec(kubeletVersion) ?? [];
  return Number(major) > 1 || (Number(major) === 1 && Number(minor) >= firstMinor[feature]);
}

/** The last number of a range that OpenShift writes as `first/count` or `first-last`. */
function lastOfRange(range: string | undefined): number | undefined {
  const [, first, separator, second] = /^(\d+)([/-])(\d+)$/.exec(range?.split(",")[0]?.trim() ?? "") ?? [];
  if (first === undefined || second === undefined) return undefined;
  return separator === "/" ? Number(first) + Number(second) - 1 : Number(second);
}

function openShiftIds(annotations: Labels | undefined): ProxyIds | undefined {
  const user = lastOfRange(annotations?.["openshift.io/sa.scc.uid-range"]);
  const group = lastOfRange(annotations?.["openshift.io/sa.scc.supplemental-groups"]) ?? user;
  return user === undefined || group === undefined ? undefined : { user, group };
}

/** Works the facts out. With no node known, native sidecars are taken for granted. */
export function clusterFacts({ nodes = [], namespaceAnnotations, proxyConfigs = [] }: FactsInput = {}): ClusterFacts {
  const recent = new Map(nodes.map(({ name = "", kubeletVersion }) => [name, has("nativeSidecars", kubeletVersion)]));
  const everywhere = nodes.every(({ kubeletVersion }) => has("nativeSidecars", kubeletVersion));
  return {
    supportsNativeSidecars: (nodeName = "") => (nodeName === "" ? undefined : recent.get(nodeName)) ?? everywhere,
    knowsSleepHook: nodes.length > 0 && nodes.every(({ kubeletVersion }) => has("sleepHook", kubeletVersion)),
    openShiftIds: (namespace) => openShiftIds(namespaceAnnotations?.get(namespace)),
    proxyConfig: (namespace, podLabels) =>
      proxyConfigs.find(
        (resource) =>
          resource.namespace === namespace &&
          (podLabels === undefined
            ? resource.selector === undefined
            : resource.selector !== undefined && selectorMatches(resource.selector, podLabels)),
      )?.config,
  };
}

/** Nothing known: native sidecars everywhere, no OpenShift ranges, no ProxyConfig resources. */
export const noClusterFacts: ClusterFacts = clusterFacts();
