import { OutriggerError, type Problem } from "../../mesh/errors.ts";
import type { ClusterApi, KubernetesObject } from "../cluster/api.ts";
import { readObject } from "../cluster/apply.ts";
import { revisionRegistration, tagRegistrations } from "../manifests/webhook-registration.ts";
import { type InstallSettings, installSettings } from "../settings.ts";

interface Tagged {
  readonly tag: string;
  /** The revision that the tag names now. */
  readonly revision: string;
}

/** The settings' tags that name another revision in the cluster. */
export async function tagsElsewhere(api: ClusterApi, settings: InstallSettings): Promise<Tagged[]> {
  const found: Tagged[] = [];
  for (const registration of tagRegistrations(settings) as unknown as KubernetesObject[]) {
    const live = await readObject(api, registration);
    const revision = live?.metadata.labels?.["istio.io/rev"];
    const tag = registration.metadata.labels?.["istio.io/tag"] ?? "";
    if (revision !== undefined && revision !== settings.revision) found.push({ tag, revision });
  }
  return found;
}

/** Installing must not take a tag from the revision that serves it; upgrading is there for that. */
export async function refuseTagsElsewhere(api: ClusterApi, settings: InstallSettings): Promise<void> {
  const problems = (await tagsElsewhere(api, settings)).map(
    ({ tag, revision }): Problem => ({
      field: "tag",
      value: tag,
      message: `names the revision ${revision}`,
      remedy: "move it with `outrigger upgrade`",
    }),
  );
  if (problems.length > 0) throw new OutriggerError("CLUSTER_UNFIT", problems);
}

/** Whether `istio-injection=enabled` means another revision than `default`, because the tag `default` was moved to it. */
async function defaultIsElsewhere(api: ClusterApi): Promise<boolean> {
  const [registration] = tagRegistrations(installSettings({ tags: ["default"] })) as unknown as KubernetesObject[];
  const live = registration === undefined ? undefined : await readObject(api, registration);
  return live !== undefined && live.metadata.labels?.["istio.io/rev"] !== "default";
}

/**
 * What sends Pods to a revision. The revision `default` has no entries for `istio-injection` once the tag `default` has
 * moved to another revision: two webhooks for one Pod would undo each other's work.
 */
export async function registrationsFor(api: ClusterApi, settings: InstallSettings): Promise<KubernetesObject[]> {
  const servesDefault = settings.revision === "default" && !(await defaultIsElsewhere(api));
  return [
    revisionRegistration(settings, { servesDefault }),
    ...tagRegistrations(settings),
  ] as unknown as KubernetesObject[];
}

/** The registration of the revision `default` as it must be now, if there is one. */
export async function unnamedRegistration(
  api: ClusterApi,
  { namespace }: InstallSettings,
): Promise<KubernetesObject | undefined> {
  const [registration] = await registrationsFor(api, installSettings({ namespace }));
  if (registration === undefined) return undefined;
  return (await readObject(api, registration)) === undefined ? undefined : registration;
}
