import type { CoreV1Api } from "@kubernetes/client-node";
import { statusOfError } from "../../kubernetes/api-error.ts";

/** The part of the Kubernetes client that keeps ConfigMaps. */
export type ConfigMaps = Pick<CoreV1Api, "readNamespacedConfigMap" | "replaceNamespacedConfigMap">;

/** The key that the webhook has mounted. */
const key = "discovery-ca-cert.pem";

/** Of several replicas that write at once, all but one are refused and look again. */
const attempts = 5;

/**
 * Puts the roots that proxies know discovery by into a ConfigMap, which must be there, for the webhook to read.
 * @throws what the Kubernetes client throws
 */
export async function publishRoots(api: ConfigMaps, namespace: string, name: string, roots: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const found = await api.readNamespacedConfigMap({ namespace, name });
    if (found.data?.[key] === roots) return;
    try {
      const body = { ...found, data: { ...found.data, [key]: roots } };
      await api.replaceNamespacedConfigMap({ namespace, name, body });
      return;
    } catch (error) {
      if (statusOfError(error) !== 409 || attempt === attempts) throw error;
    }
  }
}
