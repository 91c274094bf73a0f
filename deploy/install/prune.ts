import type { ClusterApi, KubernetesObject } from "../cluster/api.ts";
import { deleteObject } from "../cluster/apply.ts";
import { commonLabels } from "../manifests/names.ts";
import type { InstallSettings } from "../settings.ts";
import { ownedObjects } from "./owned.ts";
import { describeObject, type Report } from "./progress.ts";

/** Deletes what an earlier installation of this revision had and this one has not, such as a dropped tag. */
export async function prune(
  api: ClusterApi,
  settings: InstallSettings,
  keep: readonly KubernetesObject[],
  report: Report,
): Promise<void> {
  const kept = new Set(keep.map(describeObject));
  for (const object of await ownedObjects(api, settings.namespace, commonLabels(settings))) {
    if (kept.has(describeObject(object))) continue;
    await deleteObject(api, object);
    report({ verb: "deleted", object });
  }
}
