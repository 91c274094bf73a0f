import { type V1ConfigMap, V1MicroTime } from "@kubernetes/client-node";
import type { ClusterClient } from "./client.ts";

/** The API server refuses a longer note. */
const longestNote = 1024;

/** Puts a warning where people look when a change has no effect: `kubectl describe configmap`, `kubectl events`. */
export async function reportRefused(
  { events }: ClusterClient,
  { metadata = {} }: V1ConfigMap,
  pod: string,
  note: string,
): Promise<void> {
  const { name = "", namespace = "", uid = "", resourceVersion = "" } = metadata;
  await events.createNamespacedEvent({
    namespace,
    body: {
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      metadata: { generateName: `${name}-`, namespace },
      type: "Warning",
      reason: "ConfigurationRefused",
      action: "Load",
      note: note.slice(0, longestNote),
      regarding: { apiVersion: "v1", kind: "ConfigMap", name, namespace, uid, resourceVersion },
      reportingController: "outrigger.io/webhook",
      reportingInstance: pod,
      eventTime: new V1MicroTime(),
    },
  });
}
