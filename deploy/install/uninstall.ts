import type { ClusterApi, KubernetesObject } from "../cluster/api.ts";
import { deleteObject, readObject } from "../cluster/apply.ts";
import { discoveryRootSecretName, meshAuthoritySecretName } from "../manifests/discovery-names.ts";
import { authorityLeaseName, authoritySecretName } from "../manifests/names.ts";
import { ownedObjects, ownNamespaces } from "./owned.ts";
import type { Report } from "./progress.ts";
import { waitUntilGone } from "./wait.ts";

export interface UninstallOptions {
  readonly namespace: string;
  /** One revision, or everything when absent. */
  readonly revision?: string;
  readonly report: Report;
  readonly timeoutMs: number;
}

const everything = { "app.kubernetes.io/part-of": "outrigger", "app.kubernetes.io/managed-by": "outrigger" };

/** What the webhook and discovery themselves made, which no manifest has, and the namespaces, in the end. */
function sharedObjects(namespace: string, namespaces: readonly string[]): KubernetesObject[] {
  return [
    {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: authorityLeaseName, namespace },
    },
    ...[authoritySecretName, meshAuthoritySecretName, discoveryRootSecretName].map((name) => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace },
    })),
    ...namespaces.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } })),
  ];
}

/**
 * Takes an installation away: first what sends Pods to the webhook, then the webhook. Pods that have a sidecar keep it
 * until they are made anew.
 */
export async function uninstall(api: ClusterApi, options: UninstallOptions): Promise<void> {
  const { namespace, revision, report, timeoutMs } = options;
  const labels = revision === undefined ? everything : { ...everything, "istio.io/rev": revision };
  const objects = await ownedObjects(api, namespace, labels);
  if (revision === undefined) {
    const shared = sharedObjects(namespace, await ownNamespaces(api, namespace));
    for (const object of shared) if (await readObject(api, object)) objects.push(object);
  }
  for (const object of objects) {
    if (await deleteObject(api, object)) report({ verb: "deleted", object });
  }
  for (const object of objects) await waitUntilGone(api, object, { report, timeoutMs });
}
