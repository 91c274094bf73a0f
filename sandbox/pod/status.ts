/** What a container is doing; `reason` is the kubelet's word for it. */
export type ContainerState =
  | { readonly state: "waiting"; readonly reason: string; readonly message?: string | undefined }
  | { readonly state: "running"; readonly sinceMs: number }
  | {
      readonly state: "terminated";
      readonly reason: string;
      readonly exitCode: number;
      readonly message?: string | undefined;
    };

export interface ContainerStatus {
  readonly name: string;
  readonly image: string;
  readonly role: "init" | "sidecar" | "main";
  readonly state: ContainerState;
  /** Whether its startup probe has succeeded, or it needs none. */
  readonly started: boolean;
  readonly ready: boolean;
  readonly restarts: number;
  /** How it ended the time before. */
  readonly last?: Extract<ContainerState, { state: "terminated" }> | undefined;
  /** Whether an echo server runs in place of the image. */
  readonly standIn: boolean;
}

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed";

export interface PodStatus {
  readonly phase: PodPhase;
  /** Why the Pod as a whole is not getting on: its network, its volumes, a denial. */
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly terminating: boolean;
  /** Init containers, in order, then the others. */
  readonly containers: readonly ContainerStatus[];
}

/** Containers that count for a Pod's readiness: all but init containers that end. */
export function lasting({ containers }: PodStatus): ContainerStatus[] {
  return containers.filter(({ role }) => role !== "init");
}

export function isReady(status: PodStatus): boolean {
  const counted = lasting(status);
  return status.phase === "Running" && !status.terminating && counted.length > 0 && counted.every(({ ready }) => ready);
}

/** Restarts after which a container counts as one that cannot run. */
const hopelessRestarts = 3;

const endlessReasons = new Set([
  "ErrImagePull",
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError",
  "FailedMount",
  "FailedCreatePodSandBox",
  "Denied",
  "Invalid",
  "SandboxError",
]);

/** Whether the Pod will not become ready however long one waits, as far as can be told. */
export function isHopeless(status: PodStatus): boolean {
  if (status.phase === "Failed" || endlessReasons.has(status.reason ?? "")) return true;
  return status.containers.some(
    ({ state, restarts, ready, role }) =>
      (state.state === "waiting" && endlessReasons.has(state.reason)) ||
      (restarts >= hopelessRestarts && !ready && !(role === "init" && state.state === "running")),
  );
}
