import type { ContainerSpec } from "./container-schema.ts";
import type { PodSpec } from "./schema.ts";
import type { ContainerStatus } from "./status.ts";

/** A container of a Pod, and what it is there for. */
export interface PlannedContainer {
  readonly spec: ContainerSpec;
  readonly role: ContainerStatus["role"];
}

/** Init containers and sidecars, in order, then the others. */
export function plannedContainers({ initContainers, containers }: PodSpec): PlannedContainer[] {
  return [
    ...initContainers.map(
      (spec): PlannedContainer => ({ spec, role: spec.restartPolicy === "Always" ? "sidecar" : "init" }),
    ),
    ...containers.map((spec): PlannedContainer => ({ spec, role: "main" })),
  ];
}

/** The status of a container whose turn has not come. */
export function notBegun({ spec, role }: PlannedContainer): ContainerStatus {
  const state = { state: "waiting", reason: "PodInitializing" } as const;
  const { name, image } = spec;
  return { name, image, role, state, started: false, ready: false, restarts: 0, standIn: false };
}
