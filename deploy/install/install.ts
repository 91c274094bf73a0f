import type { ClusterApi, KubernetesObject } from "../cluster/api.ts";
import { readObject } from "../cluster/apply.ts";
import { objectPath } from "../cluster/resources.ts";
import { cniManifests, definitionManifests, policyManifests, workloadManifests } from "../manifests/manifests.ts";
import type { InstallSettings } from "../settings.ts";
import { applyAll, fieldManager } from "./apply-all.ts";
import { waitUntilInjecting } from "./injecting.ts";
import { waitForOldReplicas } from "./old-replicas.ts";
import { checkCluster } from "./preflight.ts";
import type { Report } from "./progress.ts";
import { prune } from "./prune.ts";
import { refuseTagsElsewhere, registrationsFor, tagsElsewhere, unnamedRegistration } from "./tags.ts";
import { nodesPending, rolloutPending, trustPending, waitUntilReady } from "./wait.ts";

export interface InstallOptions {
  readonly report: Report;
  /** Take over fields that somebody else has set. */
  readonly force: boolean;
  /** How long each wait may take. */
  readonly timeoutMs: number;
}

interface Scaled {
  readonly spec: { readonly replicas?: number };
}

/**
 * Gives a new Deployment its least number of replicas at once. The autoscaler would too, but a while later; and the
 * number is not among what is applied, where it would undo the autoscaler's work each time.
 */
async function scaleUp(api: ClusterApi, deployment: KubernetesObject, minimum: number): Promise<void> {
  const path = `${await objectPath(api, deployment)}/scale`;
  const { body: scale } = await api.request<Scaled>({ path });
  if ((scale.spec.replicas ?? 0) >= minimum) return;
  const body = { spec: { replicas: minimum } };
  const contentType = "application/merge-patch+json";
  await api.request({ method: "PATCH", path, query: { fieldManager }, body, contentType });
}

/** What a Deployment's autoscaler begins with. */
function leastReplicas(objects: readonly KubernetesObject[], { metadata }: KubernetesObject): number {
  const autoscaler = objects.find(
    (object) => object.kind === "HorizontalPodAutoscaler" && object.metadata.name === metadata.name,
  );
  return (autoscaler?.spec as { minReplicas?: number } | undefined)?.minReplicas ?? 1;
}

/** Definitions that the cluster has from somebody else, such as Istio's own, are left as they are. */
async function ownOrMissing(api: ClusterApi, definitions: readonly KubernetesObject[]): Promise<KubernetesObject[]> {
  const found = await Promise.all(definitions.map((definition) => readObject(api, definition)));
  const partOf = "app.kubernetes.io/part-of";
  return definitions.filter((definition, index) => {
    const labels = found[index]?.metadata.labels;
    return found[index] === undefined || labels?.[partOf] === definition.metadata.labels?.[partOf];
  });
}

/**
 * Brings the cluster to the settings: the workload first, and when it answers, what sends Pods to it, and then what
 * refuses Pods without a sidecar. It can be run again at any time and goes on where it stopped.
 */
async function bring(api: ClusterApi, settings: InstallSettings, options: InstallOptions): Promise<void> {
  const { report, timeoutMs } = options;
  const definitions = definitionManifests(settings);
  const node = cniManifests(settings);
  const workload = workloadManifests(settings);
  const registrations = await registrationsFor(api, settings);
  const policies = policyManifests(settings);
  await checkCluster(api, settings, [...definitions, ...node, ...workload, ...registrations, ...policies]);

  await applyAll(api, await ownOrMissing(api, definitions), options);
  // The nodes first: Pods without istio-init come only when these can write their rules.
  await applyAll(api, node, options);
  for (const object of node.filter(({ kind }) => kind === "DaemonSet")) {
    await waitUntilReady(api, object, nodesPending, { report, timeoutMs });
  }
  await applyAll(api, workload, options);
  for (const object of workload.filter(({ kind }) => kind === "Deployment")) {
    const minimum = leastReplicas(workload, object);
    await scaleUp(api, object, minimum);
    await waitUntilReady(api, object, (live) => rolloutPending(live, minimum), { report, timeoutMs });
  }
  await applyAll(api, registrations, options);
  for (const object of registrations) await waitUntilReady(api, object, trustPending, { report, timeoutMs });
  await waitUntilInjecting(api, settings, { report, timeoutMs });
  // Until these have ended, a Pod may get what the settings were, and what it then needs must not go.
  await waitForOldReplicas(api, settings, { report, timeoutMs });
  await applyAll(api, policies, options);
  await prune(api, settings, [...node, ...workload, ...registrations, ...policies], report);
}

/** Installs a revision beside those that are there. A tag that names another revision is refused. */
export async function install(api: ClusterApi, settings: InstallSettings, options: InstallOptions): Promise<void> {
  await refuseTagsElsewhere(api, settings);
  await bring(api, settings, options);
}

/**
 * Installs a revision, or changes it, and moves its tags to it once it answers: at every moment one revision or the
 * other injects. Returns the revisions that the tags have left.
 */
export async function upgrade(api: ClusterApi, settings: InstallSettings, options: InstallOptions): Promise<string[]> {
  const left = (await tagsElsewhere(api, settings)).map(({ revision }) => revision);
  await bring(api, settings, options);
  const takesDefault = settings.revision !== "default" && settings.tags.includes("default");
  const unnamed = takesDefault ? await unnamedRegistration(api, settings) : undefined;
  if (unnamed === undefined) return [...new Set(left)];
  await applyAll(api, [unnamed], { ...options, force: true });
  return [...new Set([...left, "default"])];
}
