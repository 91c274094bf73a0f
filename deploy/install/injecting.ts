import { setTimeout as delay } from "node:timers/promises";
import { OutriggerError } from "../../mesh/errors.ts";
import { annotations, labels } from "../../mesh/names.ts";
import { ApiError, type ClusterApi, type KubernetesObject } from "../cluster/api.ts";
import { registrationName } from "../manifests/names.ts";
import type { InstallSettings } from "../settings.ts";
import type { WaitOptions } from "./wait.ts";

const pollMs = 250;
/** Asked this often in a row: the API server keeps several connections, and each learns of a new webhook by itself. */
const answersInARow = 3;

/** A Pod that is never made: the API server is asked what it would become. */
function samplePod(revision: string): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "outrigger-sample", namespace: "default", labels: { [labels.revision]: revision } },
    spec: { containers: [{ name: "sample", image: "sample" }] },
  };
}

/** Whether a Pod would be injected now; undefined when the API server will not say. */
async function wouldInject(api: ClusterApi, revision: string): Promise<boolean | undefined> {
  try {
    const path = "/api/v1/namespaces/default/pods";
    const { body } = await api.request({ method: "POST", path, query: { dryRun: "All" }, body: samplePod(revision) });
    return body.metadata.annotations?.[annotations.status] !== undefined;
  } catch (error) {
    // A quota or another policy refuses the sample: nothing is known.
    if (error instanceof ApiError && error.status === 403) return undefined;
    throw error;
  }
}

/**
 * Waits until the API server really has new Pods injected: registrations and Service addresses reach it a moment after
 * they are written, and a Pod made in that moment would miss its sidecar.
 */
export async function waitUntilInjecting(
  api: ClusterApi,
  { revision, ...settings }: InstallSettings,
  { report, timeoutMs }: WaitOptions,
): Promise<void> {
  const namespace = (await api.request({ path: "/api/v1/namespaces/default" })).body;
  const chosen = namespace.metadata.labels ?? {};
  // In a namespace with a choice of its own, the Pod's label says nothing.
  if (labels.injection in chosen || labels.revision in chosen) return;
  const deadline = Date.now() + timeoutMs;
  let row = 0;
  while (row < answersInARow) {
    const injected = await wouldInject(api, revision);
    if (injected === undefined) return;
    row = injected ? row + 1 : 0;
    if (Date.now() > deadline) {
      const message = `is there, but a Pod that asks for the revision ${revision} would not be injected`;
      const remedy = "run `outrigger check`";
      const field = `MutatingWebhookConfiguration ${registrationName({ revision, ...settings })}`;
      throw new OutriggerError("CLUSTER_FAILED", [{ field, message, remedy }]);
    }
    if (!injected) await delay(pollMs);
  }
  report({ verb: "ready", object: samplePod(revision), detail: "a Pod would be injected" });
}
