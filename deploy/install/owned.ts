import type { ClusterApi, KubernetesObject } from "../cluster/api.ts";
import { collectionPath, findResource } from "../cluster/resources.ts";

/** Every kind that an installation can have, in the order in which it is taken away: first what sends Pods to it. */
const kinds = [
  ["admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"],
  ["admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"],
  ["admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"],
  ["monitoring.coreos.com/v1", "ServiceMonitor"],
  ["monitoring.coreos.com/v1", "PrometheusRule"],
  ["autoscaling/v2", "HorizontalPodAutoscaler"],
  ["apps/v1", "Deployment"],
  ["policy/v1", "PodDisruptionBudget"],
  ["networking.k8s.io/v1", "NetworkPolicy"],
  ["v1", "Service"],
  ["cert-manager.io/v1", "Certificate"],
  ["cert-manager.io/v1", "Issuer"],
  ["rbac.authorization.k8s.io/v1", "RoleBinding"],
  ["rbac.authorization.k8s.io/v1", "Role"],
  ["rbac.authorization.k8s.io/v1", "ClusterRoleBinding"],
  ["rbac.authorization.k8s.io/v1", "ClusterRole"],
  ["v1", "ConfigMap"],
  ["v1", "ServiceAccount"],
] as const;

/** The objects in the cluster that carry these labels, in the order in which they can be deleted. */
export async function ownedObjects(
  api: ClusterApi,
  namespace: string,
  labels: Readonly<Record<string, string>>,
): Promise<KubernetesObject[]> {
  const labelSelector = Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
  const found: KubernetesObject[] = [];
  for (const [apiVersion, kind] of kinds) {
    if ((await findResource(api, apiVersion, kind)) === undefined) continue;
    const path = await collectionPath(api, apiVersion, kind, namespace);
    const { body } = await api.request<{ items: KubernetesObject[] }>({ path, query: { labelSelector } });
    found.push(...body.items.map((item) => ({ ...item, apiVersion, kind })));
  }
  return found;
}
