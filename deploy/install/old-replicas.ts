import { setTimeout as delay } from "node:timers/promises";
import type { ClusterApi, KubernetesObject } from "../cluster/api.ts";
import { collectionPath, labelSelectorOf } from "../cluster/resources.ts";
import { webhookName, webhookSelector } from "../manifests/names.ts";
import { gracePeriodSeconds } from "../manifests/webhook-workload.ts";
import type { InstallSettings } from "../settings.ts";
import type { WaitOptions } from "./wait.ts";

const pollMs = 250;
/** Added to the Pods' own time for ending: the API server learns of an end a moment later. */
const spareMs = 5_000;

async function countEnding(api: ClusterApi, settings: InstallSettings): Promise<number> {
  const labelSelector = labelSelectorOf(webhookSelector(settings));
  const path = await collectionPath(api, "v1", "Pod", settings.namespace);
  const { body } = await api.request<{ items: KubernetesObject[] }>({ path, query: { labelSelector } });
  return body.items.filter(({ metadata }) => metadata.deletionTimestamp !== undefined).length;
}

/**
 * Waits until the webhook's replicas that a rollout has replaced have ended. A Deployment does not count them any more,
 * but while they drain they still answer, by the settings of before (Kubernetes, "Termination of Pods"). It waits no
 * longer than they may take: on a node that is gone they stay for ever, and answer nobody.
 */
export async function waitForOldReplicas(
  api: ClusterApi,
  settings: InstallSettings,
  { report, timeoutMs }: WaitOptions,
): Promise<void> {
  const metadata = { name: webhookName(settings), namespace: settings.namespace };
  const object: KubernetesObject = { apiVersion: "apps/v1", kind: "Deployment", metadata };
  const deadline = Date.now() + Math.min(gracePeriodSeconds * 1000 + spareMs, timeoutMs);
  let told = 0;
  while (Date.now() < deadline) {
    const ending = await countEnding(api, settings);
    if (ending === 0) return;
    if (ending !== told) report({ verb: "waiting", object, detail: `old replicas still answer: ${ending}` });
    told = ending;
    await delay(pollMs);
  }
}
