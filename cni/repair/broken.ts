import { annotations, containers } from "../../mesh/names.ts";
import type { Pod } from "../../mesh/pod.ts";
import { annotationOf } from "../../mesh/pod-metadata.ts";

/** What istio-validation ends with when the rules are missing; `outrigger init --run-validation` has it. */
const rulesMissingExitCode = 126;

interface Termination {
  readonly exitCode?: number;
}

/** How a container is, as the kubelet says it. */
export interface ContainerStatus {
  readonly name: string;
  readonly state?: { readonly terminated?: Termination };
  readonly lastState?: { readonly terminated?: Termination };
}

export interface RepairablePod extends Pod {
  readonly status?: {
    readonly phase?: string;
    readonly podIPs?: readonly { readonly ip?: string }[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

/** The present end counts if there is one: a container that ran again and passed is not broken any more. */
function lastExitCode({ state, lastState }: ContainerStatus): number | undefined {
  return (state?.terminated ?? lastState?.terminated)?.exitCode;
}

/**
 * Whether the Pod started before the node could write its rules, and its validation found that out. A Pod that has
 * failed for good has no container that would try again, and one that is being deleted needs nothing.
 */
export function isBroken(pod: RepairablePod): boolean {
  const { status, metadata } = pod;
  if (metadata.deletionTimestamp !== undefined || status?.phase === "Failed" || status?.phase === "Succeeded")
    return false;
  if (annotationOf(pod, annotations.status) === undefined) return false;
  const validation = status?.initContainerStatuses?.find(({ name }) => name === containers.validation);
  return validation !== undefined && lastExitCode(validation) === rulesMissingExitCode;
}
