import type { KubernetesObject } from "../../deploy/cluster/api.ts";

export interface PodStatus {
  readonly phase?: string;
  readonly podIP?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly containerStatuses?: readonly ContainerStatus[];
  readonly initContainerStatuses?: readonly ContainerStatus[];
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
  readonly state: ContainerState;
  readonly lastState?: ContainerState;
}

export type ContainerState = Readonly<
  Record<"running" | "waiting" | "terminated", { reason?: string; exitCode?: number } | undefined>
>;

export interface PodContainer {
  readonly name: string;
  readonly image: string;
  readonly [field: string]: unknown;
}

export interface Pod extends KubernetesObject {
  readonly spec: {
    readonly containers: readonly PodContainer[];
    readonly initContainers?: readonly PodContainer[];
    readonly [field: string]: unknown;
  };
  readonly status: PodStatus;
}

/** Ready, and not on its way out. */
export function isReady(pod: Pod): boolean {
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  return (
    !terminating && pod.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true
  );
}

/** The containers that have ended with an error, at least once. */
export function failedContainers({ status }: Pod): string[] {
  const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  return all
    .filter(({ restartCount, state }) => restartCount > 0 || (state.terminated?.exitCode ?? 0) !== 0)
    .map(({ name }) => name);
}

/** One line that says how far Pods have come, for the error of a wait. */
export function describePods(pods: readonly Pod[]): string {
  const states = pods.map((pod) => {
    const containers = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])];
    const details = containers.map(({ name, state }) => `${name}=${JSON.stringify(state)}`);
    return `${pod.metadata.name}: ${pod.status.phase} ${details.join(" ")}`;
  });
  return states.join("; ") || "there is no such Pod";
}

/** The names of all containers in the order in which they start: init containers and native sidecars first. */
export function containerNames({ spec }: Pod): string[] {
  return [...(spec.initContainers ?? []), ...spec.containers].map(({ name }) => name);
}
