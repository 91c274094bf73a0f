import type { INamespace } from "kubernetes-models/v1";
import type { InstallSettings } from "../settings.ts";

/** The namespace of Outrigger's own Pods. Nothing in it is injected, and restricted Pod Security holds. */
export function namespace({ namespace: name }: InstallSettings): INamespace {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name,
      labels: {
        "app.kubernetes.io/part-of": "outrigger",
        "istio-injection": "disabled",
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/audit": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
      },
    },
  };
}
