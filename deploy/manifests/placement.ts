import type { IPodSpec } from "kubernetes-models/v1";

/** Two replicas on one node, or in one zone, would fail together. Preferred, so that a small cluster still runs them. */
export function spreadOut(
  matchLabels: Readonly<Record<string, string>>,
): Pick<IPodSpec, "affinity" | "topologySpreadConstraints"> {
  const labelSelector = { matchLabels };
  return {
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 100, podAffinityTerm: { labelSelector, topologyKey: "kubernetes.io/hostname" } },
        ],
      },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "topology.kubernetes.io/zone",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector,
      },
    ],
  };
}
