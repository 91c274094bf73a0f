import type { IHorizontalPodAutoscaler } from "kubernetes-models/autoscaling/v2";
import type { IPodDisruptionBudget } from "kubernetes-models/policy/v1";

/** A Deployment's metadata, which what looks after its replicas shares. */
interface DeploymentMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Record<string, string>;
}

/** Adds replicas of a Deployment when those that run use four fifths of the processor time they asked for. */
export function autoscalerOf(
  metadata: DeploymentMetadata,
  { minimum, maximum }: { readonly minimum: number; readonly maximum: number },
): IHorizontalPodAutoscaler {
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata,
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: metadata.name },
      minReplicas: minimum,
      maxReplicas: maximum,
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } },
      ],
    },
  };
}

/** A drained node takes at most one of a Deployment's Pods at a time. */
export function disruptionBudgetOf(
  metadata: DeploymentMetadata,
  selector: Record<string, string>,
): IPodDisruptionBudget {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata,
    spec: { maxUnavailable: 1, selector: { matchLabels: selector } },
  };
}
