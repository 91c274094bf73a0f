import type { ClusterApi, KubernetesObject } from "../cluster/api.ts";
import { collectionPath, findResource, labelSelectorOf } from "../cluster/resources.ts";

/** Every kind that an installation can have, in the order in which it is taken away: first what sends Pods to it. */
const kinds = [
  ["admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"],
  ["admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"],
  ["admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"],
  ["monitoring.coreos.com/v1", "ServiceMonitor"],
  ["monitoring.coreos.com/v1", "PrometheusRule"],
  ["autoscaling/v2", "HorizontalPodAutoscaler"],
  ["apps/v1", "Deployment"],
  ["apps/v1", "DaemonSet"],
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

/** The namespaces that an installation has made: the webhook's, and the node agent's. */
export async function ownNamespaces(api: ClusterApi, namespace: string): Promise<string[]> {
  const path = await collectionPath(api, "v1", "Namespace");
  const query = { labelSelector: "app.kubernetes.io/part-of=outrigger" };
  const { body } = await api.request<{ items: KubernetesObject[] }>({ path, query });
  return [...new Set([namespace, ...body.items.map(({ metadata }) => metadata.name)])];
}

/** The objects in the cluster that carry these labels, in the order in which they can be deleted. */
export async function ownedObjects(
  api: ClusterApi,
  namespace: string,
  labels: Readonly<Record<string, string>>,
): Promise<KubernetesObject[]> {
  const labelSelector = labelSelectorOf(labels);
  const namespaces = await ownNamespaces(api, namespace);
  const found: KubernetesObject[] = [];
  for (const [apiVersion, kind] of kinds) {
    const resource = await findResource(api, apiVersion, kind);
    if (resource === undefined) continue;
    for (const place of resource.namespaced ? namespaces : [undefined]) {
      const path = await collectionPath(api, apiVersion, kind, place);
      const { body } = await api.request<{ items: KubernetesObject[] }>({ path, query: { labelSelector } });
      found.push(...body.items.map((item) => ({ ...item, apiVersion, kind })));
    }
  }
  return found;
}
