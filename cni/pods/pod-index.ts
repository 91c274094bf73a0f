import type { Pod } from "../../mesh/pod.ts";
import type { PodIdentity } from "../pod-identity.ts";

/** This node's Pods, by namespace and name, as the API server last said. */
export interface PodIndex {
  replace(pods: readonly Pod[]): void;
  /** The Pod that the runtime means. One of the same name but another UID is an earlier or a later one. */
  find(identity: PodIdentity): Pod | undefined;
  all(): Pod[];
}

export function isMeant(pod: Pod, { uid }: PodIdentity): boolean {
  return uid === undefined || pod.metadata.uid === uid;
}

export function createPodIndex(): PodIndex {
  let byKey = new Map<string, Pod>();
  return {
    replace(pods) {
      byKey = new Map(pods.map((pod) => [`${pod.metadata.namespace}/${pod.metadata.name}`, pod]));
    },
    find(identity) {
      const pod = byKey.get(`${identity.namespace}/${identity.name}`);
      return pod !== undefined && isMeant(pod, identity) ? pod : undefined;
    },
    all: () => [...byKey.values()],
  };
}
